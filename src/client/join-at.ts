/** `text` begins at `offset` of the whole; what is there already is kept. */
export function joinAt(whole: string, offset: number, text: string): string {
  return offset <= whole.length ? whole + text.slice(whole.length - offset) : whole + text;
}
