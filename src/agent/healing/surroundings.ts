import { CodeMarks } from './code-marks.js';
import { Thoughts } from './thoughts.js';

const NAME_UNIT = /[\p{L}\p{N}_.-]/u;

/** Where in the text of a turn the next unit stands: what decides whether a call may begin there. */
export class Surroundings {
  private readonly code = new CodeMarks();
  private readonly thoughts = new Thoughts();
  private previous = '';
  /** Nothing but white space came, or a thought has just ended. */
  private start = true;

  get isStart(): boolean {
    return this.start;
  }

  /** In code and in thoughts all is data; a name begins where no other one is going on. */
  mayBegin(unit: string): boolean {
    if (this.thoughts.isInside || !this.code.isProse) return false;
    return !NAME_UNIT.test(unit) || !NAME_UNIT.test(this.previous);
  }

  pass(unit: string): void {
    this.previous = unit;
    if (this.thoughts.isInside) {
      this.thoughts.pass(unit);
      if (!this.thoughts.isInside) {
        this.code.startLine();
        this.start = true;
      }
      return;
    }
    if (unit.trim() !== '') this.start = false;
    this.code.pass(unit);
    if (this.code.isProse) this.thoughts.pass(unit);
    else this.thoughts.interrupt();
  }

  /** A call stood here and is gone. */
  passCall(): void {
    this.previous = '';
  }
}
