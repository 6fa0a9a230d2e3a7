/** Characters of one tool result that the model sees; the whole stays readable as a file. */
export const MODEL_OUTPUT_LIMIT = 16_000;

export interface CappedOutput {
  readonly content: string;
  /** UTF-8 bytes left out; 0 when nothing was. */
  readonly cutBytes: number;
}

/** Head and tail with a note between, cut at character boundaries; the head gets two thirds. */
export function capOutput(content: string, limit: number, wholeAsFile: string | undefined): CappedOutput {
  if (content.length <= limit) return { content, cutBytes: 0 };
  const headLength = Math.floor((limit * 2) / 3);
  const head = content.slice(0, headLength).toWellFormed();
  const tail = content.slice(content.length - (limit - headLength)).toWellFormed();
  const cutBytes = Buffer.byteLength(content) - Buffer.byteLength(head) - Buffer.byteLength(tail);
  const where = wholeAsFile ? `; read_file ${wholeAsFile} has the whole` : '';
  return { content: `${head}\n[${cutBytes} bytes cut${where}]\n${tail}`, cutBytes };
}
