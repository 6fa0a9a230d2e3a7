import { plainLine } from './terminal-text.js';

const MAX_BYTES = 200;
const DEVICE_NAMES = /^(con|prn|aux|nul|com\d|lpt\d)$/i;

/** A name from the server as one that stays in its folder, is seen, and is taken by every file system. */
export function safeFileName(name: string): string {
  const last = name.split(/[/\\]/).findLast((part) => part !== '') ?? '';
  const kept = plainLine(last)
    .replace(/[<>:"|?*\\]/g, '_')
    .replace(/^[.\s-]+/, '')
    .replace(/[.\s]+$/, '');
  const [stem, extension] = splitExtension(kept === '' ? 'file' : kept);
  const usable = DEVICE_NAMES.test(stem) ? `_${stem}` : stem;
  return cutToBytes(usable, MAX_BYTES - Buffer.byteLength(extension)) + extension;
}

/** `plot.png` -> `plot (2).png`. */
export function numberedName(name: string, number: number): string {
  const [stem, extension] = splitExtension(name);
  return `${stem} (${number})${extension}`;
}

function splitExtension(name: string): [stem: string, extension: string] {
  const match = /^(.+?)((?:\.[A-Za-z0-9]{1,10}){0,2})$/.exec(name);
  return [match?.[1] ?? name, match?.[2] ?? ''];
}

function cutToBytes(text: string, bytes: number): string {
  let cut = '';
  for (const character of text) {
    if (Buffer.byteLength(cut + character) > bytes) break;
    cut += character;
  }
  return cut;
}
