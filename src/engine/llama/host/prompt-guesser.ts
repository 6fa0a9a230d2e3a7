import { type Token, TokenPredictor } from 'node-llama-cpp';

/** Lengths of what is looked up, the surest first. */
const PATTERNS = [3, 2];

/**
 * Guesses the token that in the prompt followed the last ones, where they stood there last. One at a time: the library
 * compares only the first guess of a step with what the model says, and throws the others away.
 */
export class PromptGuesser extends TokenPredictor {
  private readonly followers = new Map<string, Token>();
  private last: Token[] = [];

  constructor(prompt: readonly Token[]) {
    super();
    for (const length of PATTERNS) {
      for (let end = length; end < prompt.length; end += 1) {
        const follower = prompt[end];
        if (follower !== undefined) this.followers.set(keyOf(prompt.slice(end - length, end)), follower);
      }
    }
  }

  override reset({ stateTokens }: { readonly stateTokens: Token[] }): void {
    this.last = stateTokens.slice(-Math.max(...PATTERNS));
  }

  override pushTokens(tokens: Token[]): void {
    this.last = [...this.last, ...tokens].slice(-Math.max(...PATTERNS));
  }

  override predictTokens(): Token[] {
    for (const length of PATTERNS) {
      const follower =
        this.last.length < length ? undefined : this.followers.get(keyOf(this.last.slice(-length)));
      if (follower !== undefined) return [follower];
    }
    return [];
  }
}

function keyOf(tokens: readonly Token[]): string {
  return tokens.join(' ');
}
