import type { OfferedTools } from './offered-tools.js';
import type { Reader, Reading } from './reader.js';

/** A call as a format found it in the text, not yet checked. */
export type WrittenCall =
  /** JSON that names the tool itself, of one call or a list of them. */
  | { readonly form: 'envelope'; readonly json: string }
  | { readonly form: 'json'; readonly name: string; readonly json: string }
  /** Values as plain text, to be read by the tool's schema. */
  | { readonly form: 'fields'; readonly name: string; readonly fields: readonly WrittenField[] };

export interface WrittenField {
  readonly key: string;
  readonly text: string;
}

export interface CallFormat {
  /** `start`: only where nothing but white space came before. */
  readonly place: 'anywhere' | 'start';
  /** What a call begins with; `names` are the tools of this run. */
  openers(names: readonly string[]): readonly string[];
  /** Reads on after an opener. Undefined: no call, and what has been read stays text. */
  read(reader: Reader, opener: string, tools: OfferedTools): Reading<WrittenCall | undefined>;
}
