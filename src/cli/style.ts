/** How kinds of text are set apart; without colours the text stays as it is. */
export interface Style {
  readonly dim: (text: string) => string;
  readonly bold: (text: string) => string;
  readonly warning: (text: string) => string;
  readonly failure: (text: string) => string;
}

const identity = (text: string): string => text;

export const PLAIN_STYLE: Style = { dim: identity, bold: identity, warning: identity, failure: identity };

export const COLOUR_STYLE: Style = {
  dim: (text) => `\u001B[2m${text}\u001B[22m`,
  bold: (text) => `\u001B[1m${text}\u001B[22m`,
  warning: (text) => `\u001B[33m${text}\u001B[39m`,
  failure: (text) => `\u001B[31m${text}\u001B[39m`,
};
