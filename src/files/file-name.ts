const MAX_NAME_BYTES = 255;

/** Control characters, line separators and the marks that turn the reading direction around. */
const DECEIVING = /[\p{Cc}\u2028\u2029\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069\uFEFF]/gu;

/**
 * A name from anywhere as one that is safe to show and to save under: one path segment of at most 255
 * bytes, never empty, `.` or `..`, without characters that deceive a reader. The extension is kept.
 */
export function displayName(name: string): string {
  const segment = name.split(/[/\\]/).findLast((part) => part.trim() !== '') ?? '';
  return safeSegment(segment);
}

/** As `displayName`, keeping folders: `out/plot.png`. What would lead elsewhere does not survive. */
export function displayPath(path: string): string {
  return path.split('/').map(safeSegment).join('/');
}

/** An attachment's `Content-Disposition`: an ASCII name for old readers and the RFC 5987 one. */
export function attachmentDisposition(name: string): string {
  const shown = displayName(name);
  const ascii = shown.replaceAll(/[^\x20-\x7e]|["\\%]/g, '_');
  const encoded = encodeURIComponent(shown).replaceAll(
    /['()*!]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `attachment; filename="${ascii}"; filename*=UTF-8''${encoded}`;
}

/** `name` with a number before its extension, still within 255 bytes: `plot.png`, 2 -> `plot-2.png`. */
export function numberedName(name: string, number: number): string {
  const { stem, extension } = splitExtension(name);
  return fit(stem, `-${number}${extension}`);
}

/** The lower-case extension without its dot, or undefined. */
export function extensionOf(name: string): string | undefined {
  const { extension } = splitExtension(name.slice(name.lastIndexOf('/') + 1));
  return extension === '' ? undefined : extension.slice(1).toLowerCase();
}

/** The longest prefix of at most `maxBytes` bytes of UTF-8 that splits no character. */
export function truncateUtf8(text: string, maxBytes: number): string {
  const bytes = Buffer.from(text, 'utf8');
  if (bytes.length <= maxBytes) return text;
  let end = maxBytes;
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return bytes.toString('utf8', 0, end);
}

function safeSegment(segment: string): string {
  const clean = segment.toWellFormed().replaceAll(DECEIVING, '_').replaceAll('\\', '_').trim();
  const { stem, extension } = splitExtension(clean);
  const fitted = fit(stem, extension);
  return fitted === '' || fitted === '.' || fitted === '..' ? 'file' : fitted;
}

function splitExtension(name: string): { stem: string; extension: string } {
  const match = /^(.+?)(\.[A-Za-z0-9]{1,16})$/s.exec(name);
  return { stem: match?.[1] ?? name, extension: match?.[2] ?? '' };
}

function fit(stem: string, ending: string): string {
  return truncateUtf8(stem, MAX_NAME_BYTES - Buffer.byteLength(ending)) + ending;
}
