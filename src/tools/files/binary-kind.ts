import { fileTypeFromBuffer } from 'file-type';

/** The type of a file that is not text; undefined for text (valid UTF-8 without NUL). */
export async function binaryKind(data: Uint8Array): Promise<string | undefined> {
  if (!data.includes(0) && isUtf8(data)) return undefined;
  // Shorter ones are matched by chance: two bytes 0 and 1 would be a font.
  if (data.byteLength < 8) return 'unknown type';
  const type = await fileTypeFromBuffer(data.subarray(0, 65_536)).catch(() => undefined);
  return type?.mime ?? 'unknown type';
}

function isUtf8(data: Uint8Array): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(data);
    return true;
  } catch {
    return false;
  }
}
