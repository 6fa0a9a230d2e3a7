import {
  LlamaText,
  SpecialToken,
  SpecialTokensText,
  type LlamaModel,
  type Token,
  type Tokenizer,
} from 'node-llama-cpp';

// Private-use characters: no text of a template contains them.
const OPEN = '\uE0F4';
const CLOSE = '\uE0F5';
const HIDDEN = new RegExp(`${OPEN}(\\d+)${CLOSE}`);
/** Of a user-defined token only what looks like markup is any: others are common words and runs of spaces. */
const LOOKS_LIKE_MARKUP = /^(<.+>|\[.+\])$/s;

/**
 * The texts that are tokens with a meaning of their own in one model's vocabulary. Where they stand in what users, tools
 * and other models wrote they must stay text: they would end the turn, or forge one.
 */
export class Markup {
  private readonly pattern: RegExp | undefined;

  constructor(private readonly texts: readonly string[]) {
    const longestFirst = texts.toSorted((a, b) => b.length - a.length);
    this.pattern =
      texts.length === 0
        ? undefined
        : new RegExp(
            longestFirst.map((text) => text.replaceAll(/[$()*+.?[\\\]^{|}]/g, String.raw`\$&`)).join('|'),
            'g',
          );
  }

  static of(model: LlamaModel): Markup {
    const texts = new Set<string>();
    for (const token of model.iterateAllTokens()) {
      const isControl = model.isSpecialToken(token);
      if (!isControl && !model.getTokenAttributes(token).userDefined) continue;
      const text = model.detokenize([token], true);
      // Bytes and single characters are no markup; hiding them would only tear texts apart.
      if (text.length > 2 && (isControl || LOOKS_LIKE_MARKUP.test(text))) texts.add(text);
    }
    return new Markup([...texts]);
  }

  /** The text with placeholders that a template carries along. */
  hide(text: string): string {
    const clean = text.replaceAll(OPEN, '').replaceAll(CLOSE, '');
    if (this.pattern === undefined) return clean;
    return clean.replace(this.pattern, (found) => `${OPEN}${this.texts.indexOf(found)}${CLOSE}`);
  }

  /** The same for every text in a JSON value, names of properties too. */
  hideIn(value: unknown): unknown {
    if (typeof value === 'string') return this.hide(value);
    if (Array.isArray(value)) return value.map((item) => this.hideIn(item));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [this.hide(key), this.hideIn(item)]),
    );
  }

  /** What a template made, with its own markup as tokens and what was hidden as text. */
  reveal(rendered: string): LlamaText {
    const parts = rendered.split(HIDDEN);
    return LlamaText(
      parts.map((part, index) =>
        index % 2 === 0 ? new SpecialTokensText(part) : textOfMarkup(this.texts[Number(part)] ?? ''),
      ),
    );
  }
}

/**
 * Read character by character: a user-defined token is found in any text that has it as a whole. A special token for the
 * library, since that is what it does not join with the text around.
 */
function textOfMarkup(text: string): SpecialToken {
  return Object.assign(new SpecialToken('EOS'), {
    tokenize: (tokenizer: Tokenizer): Token[] =>
      Array.from(text, (character) => tokenizer(character, false, 'trimLeadingSpace')).flat(),
    toString: () => text,
  });
}
