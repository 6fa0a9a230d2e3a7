const LONGEST_PATH = 512;
/** A name gets endings of ours while it is fetched, and file systems end at 255 bytes. */
const LONGEST_SEGMENT_BYTES = 200;
// eslint-disable-next-line no-control-regex
const REFUSED = /[\u0000-\u001F\u007F\\:@]/;

/** Whether a path that a hub or a person names stays inside the folder it is put into, on every file system. */
export function isRepositoryPath(path: string): boolean {
  return path.length <= LONGEST_PATH && !REFUSED.test(path) && path.split('/').every(isSegment);
}

function isSegment(segment: string): boolean {
  return segment !== '' && !segment.startsWith('.') && Buffer.byteLength(segment) <= LONGEST_SEGMENT_BYTES;
}
