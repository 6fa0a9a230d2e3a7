import { hubFetch, type HubAccess } from './hub-request.js';
import { IdleWatch } from './idle-watch.js';
import { ModelError } from './model-error.js';
import type { PartFile } from './part-file.js';
import { failedAnswer, TransientFailure } from './transient-failure.js';

export interface FetchSource {
  readonly hub: HubAccess;
  readonly url: string;
  /** The size that the hub's list tells. */
  readonly size: number;
  /** What messages call it. */
  readonly name: string;
  /** An answer in which nothing comes for this long is given up. */
  readonly idleMs: number;
}

/** One request for what is missing of a part. Returns when all is there; throws TransientFailure where it is not, ModelError, or as `fetch` does. */
export async function fetchIntoPart(
  part: PartFile,
  source: FetchSource,
  signal: AbortSignal,
  onBytes: (count: number) => void,
): Promise<void> {
  if (part.bytes === source.size) return;
  using watch = new IdleWatch(source.idleMs, signal);
  const response = await hubFetch(source.hub, {
    url: source.url,
    headers: rangeHeaders(part),
    signal: watch.signal,
  });
  try {
    await acceptAnswer(part, source, response);
  } catch (error) {
    await response.body?.cancel().catch(() => undefined);
    throw error;
  }
  for await (const chunk of response.body ?? []) {
    watch.touch();
    if (part.bytes + chunk.length > source.size) throw wrongSize(source, `more than ${source.size}`);
    await part.append(chunk);
    onBytes(chunk.length);
  }
  if (part.bytes < source.size) {
    throw transient(`The connection ended at byte ${part.bytes} of ${source.size} of ${source.name}`);
  }
}

function rangeHeaders({ bytes, etag }: PartFile): Record<string, string> {
  if (bytes === 0) return {};
  return { range: `bytes=${bytes}-`, ...(etag === undefined ? {} : { 'if-range': etag }) };
}

/** Judges the head of an answer; afterwards its body begins where the part ends. */
async function acceptAnswer(part: PartFile, source: FetchSource, response: Response): Promise<void> {
  if ((response.headers.get('content-encoding') ?? 'identity') !== 'identity') {
    throw new ModelError('hub_answer', `The hub sends ${source.name} in an encoding nobody asked for.`);
  }
  switch (response.status) {
    case 200: {
      // Asked for the rest or not: this is the whole file, or another one than the part is of.
      const length = response.headers.get('content-length');
      if (length !== null && Number(length) !== source.size) throw wrongSize(source, length);
      await part.restart(strongTag(response));
      return;
    }
    case 206:
      await acceptRest(part, source, response);
      return;
    case 416:
      await part.restart(undefined);
      throw transient(`The hub has no such part of ${source.name}`);
    default:
      throw failedAnswer(response, source.name);
  }
}

async function acceptRest(part: PartFile, source: FetchSource, response: Response): Promise<void> {
  const range = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(response.headers.get('content-range') ?? '');
  const [, from, total = '*'] = range ?? [];
  if (total !== '*' && Number(total) !== source.size) throw wrongSize(source, total);
  const tag = strongTag(response);
  const isOther = part.etag !== undefined && tag !== undefined && tag !== part.etag;
  if (Number(from) === part.bytes && !isOther) return;
  await part.restart(undefined);
  throw transient(`${source.name} changed on the hub while it was fetched`);
}

function strongTag({ headers }: Response): string | undefined {
  const tag = headers.get('etag');
  return tag !== null && /^"[^"]*"$/.test(tag) ? tag : undefined;
}

function wrongSize({ name, size }: FetchSource, sent: string): ModelError {
  return new ModelError(
    'size_mismatch',
    `${name} has ${size} bytes in the hub's list, and the hub sends ${sent}.`,
    'It may just have been replaced there: ask again. If it stays so, the hub or what is between is at fault.',
  );
}

function transient(message: string): TransientFailure {
  return new TransientFailure(
    new ModelError('hub_unreachable', `${message}.`, 'Ask again: it goes on where it stopped.'),
  );
}
