/** Finds, in one pass over pieces of text, where a JSON object ends. */
export class JsonObjectEnd {
  private depth = 0;
  private inString = false;
  private escaped = false;
  private begun = false;

  /** The object has been closed. */
  get reached(): boolean {
    return this.begun && this.depth === 0;
  }

  push(text: string): void {
    for (const character of text) {
      if (this.reached) return;
      if (this.inString) this.pushInString(character);
      else if (character === '"') this.inString = true;
      else if (character === '{' || character === '[') {
        this.begun = true;
        this.depth += 1;
      } else if (character === '}' || character === ']') this.depth -= 1;
    }
  }

  private pushInString(character: string): void {
    if (this.escaped) this.escaped = false;
    else if (character === '\\') this.escaped = true;
    else if (character === '"') this.inString = false;
  }
}
