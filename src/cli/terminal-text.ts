/**
 * What a model, a tool or a file name says may hold sequences that a terminal obeys: move the cursor over
 * what was printed, set the clipboard, retitle the window, or turn the reading direction so that a command
 * looks like another one. Everything that is not plain text is shown as an escape instead.
 */
const OBEYED =
  // eslint-disable-next-line no-control-regex
  /[\u0000-\u0008\u000B-\u001F\u007F-\u009F\u00AD\u061C\u200B-\u200F\u2028-\u202E\u2060-\u206F\uFEFF\uFFF9-\uFFFB]|[\u{E0000}-\u{E007F}]/gu;

/** Several lines of plain text; line breaks and tabs stay. */
export function plainText(text: string): string {
  return text.replace(/\r\n?/g, '\n').replace(OBEYED, escapeOf);
}

/** The same on one line, so that a name cannot pretend to be a prompt. */
export function plainLine(text: string): string {
  return plainText(text)
    .replaceAll('\n', String.raw`\n`)
    .replaceAll('\t', ' ');
}

function escapeOf(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  return code < 256 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;
}
