import type { LlamaModel, Token } from 'node-llama-cpp';

/** Kinds of tokens in a GGUF (`tokenizer.ggml.token_type`). */
const UNKNOWN = 2;
const CONTROL = 3;
const USER_DEFINED = 4;
const BYTE = 6;
const AS_WRITTEN: ReadonlySet<number> = new Set([UNKNOWN, CONTROL, USER_DEFINED]);

/** The bytes that each token stands for, which need not be whole characters. Source: llama.cpp, `token_to_piece`. */
export class TokenBytes {
  private readonly texts: readonly string[];
  private readonly types: readonly number[];
  private readonly ofText: (text: string) => Uint8Array | undefined;

  constructor(private readonly model: LlamaModel) {
    const { tokens, token_type: types, model: kind } = model.fileInfo.metadata.tokenizer.ggml;
    this.texts = tokens;
    this.types = types;
    this.ofText = kind === 'gpt2' ? fromByteLetters : fromSpaceMarks;
  }

  get vocabularySize(): number {
    return this.texts.length;
  }

  /** Undefined for a vocabulary of a kind that does not say. */
  of(token: Token): readonly number[] | undefined {
    const text = this.texts[token];
    if (text === undefined) return undefined;
    const type = this.types[token] ?? 1;
    if (type === BYTE) return [Number.parseInt(text.slice(3, 5), 16)];
    const bytes = AS_WRITTEN.has(type) ? new TextEncoder().encode(text) : this.ofText(text);
    return bytes === undefined ? this.fromDetokenized(token) : [...bytes];
  }

  private fromDetokenized(token: Token): readonly number[] | undefined {
    const text = this.model.detokenize([token]);
    return text.includes('\uFFFD') ? undefined : [...new TextEncoder().encode(text)];
  }
}

/** Bytes as text; what is no UTF-8 is written as OpenAI writes it: `\xe2\x82`. */
export function printable(bytes: readonly number[]): string {
  const all = Uint8Array.from(bytes);
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(all);
  } catch {
    return bytes.map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('');
  }
}

function fromSpaceMarks(text: string): Uint8Array {
  return new TextEncoder().encode(text.replaceAll('\u2581', ' '));
}

function fromByteLetters(text: string): Uint8Array | undefined {
  const bytes = Array.from(text, (letter) => BYTE_OF_LETTER.get(letter));
  return bytes.every((byte) => byte !== undefined) ? Uint8Array.from(bytes) : undefined;
}

/** GPT-2's vocabularies write each byte as a letter that can be seen: itself where that can be, else one from 256 on. */
const BYTE_OF_LETTER: ReadonlyMap<string, number> = byteLetters();

function byteLetters(): Map<string, number> {
  const visible = (byte: number): boolean =>
    (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
  const letters = new Map<string, number>();
  let next = 256;
  for (let byte = 0; byte < 256; byte += 1)
    letters.set(String.fromCodePoint(visible(byte) ? byte : next++), byte);
  return letters;
}
