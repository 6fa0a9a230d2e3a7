import type { CouncilPayload } from '../../events/council-payloads.js';
import type { PayloadOf } from '../../events/event.js';
import type { Style } from '../style.js';
import { plainLine } from '../terminal-text.js';
import type { Screen } from './screen.js';

/** Characters of a line that go to the screen without waiting for its end. */
const LINE_UNITS = 100;

/** Shows what a council's experts say, dimly and in whole lines, since they speak at the same time. */
export class CouncilScreen {
  private experts: readonly string[] = [];
  /** What each has said since its last whole line. */
  private readonly unfinished = new Map<number, string>();

  constructor(
    private readonly screen: Screen,
    private readonly style: Style,
  ) {}

  show(event: CouncilPayload): void {
    switch (event.type) {
      case 'council_started':
        this.experts = event.experts;
        this.unfinished.clear();
        this.dim(`[${event.experts.length} experts are asked: ${event.experts.map(plainLine).join(', ')}]`);
        return;
      case 'expert_chunk':
        this.say(event.expert, event.delta);
        return;
      case 'expert_done':
        this.flush(event.expert, true);
        if (event.error) this.dim(`[${this.nameOf(event.expert)} failed: ${plainLine(event.error.message)}]`);
        return;
      case 'council_decided':
        this.dim(`[${this.decision(event)}]`);
        return;
      default:
        event satisfies never;
    }
  }

  private say(expert: number, delta: PayloadOf<'expert_chunk'>['delta']): void {
    const calls = delta.tool_calls ?? [];
    const pieces = calls.map(({ function: { name, arguments: json } }) =>
      name === undefined ? (json ?? '') : `\n${name} ${json ?? ''}`,
    );
    const text = (delta.content ?? '') + (delta.reasoning_content ?? '') + pieces.join('');
    this.unfinished.set(expert, (this.unfinished.get(expert) ?? '') + text);
    this.flush(expert, false);
  }

  private flush(expert: number, isEnd: boolean): void {
    let rest = this.unfinished.get(expert) ?? '';
    for (let end = lineEnd(rest); end > 0; end = lineEnd(rest)) {
      this.put(expert, rest.slice(0, end));
      rest = rest.slice(end);
    }
    if (isEnd) this.put(expert, rest);
    this.unfinished.set(expert, isEnd ? '' : rest);
  }

  private put(expert: number, line: string): void {
    if (line.trim() !== '') this.dim(`  ${this.nameOf(expert)}| ${plainLine(line.trimEnd())}`);
  }

  private dim(text: string): void {
    this.screen.line(this.style.dim(text));
  }

  /** With its number, since the same model may be asked twice. */
  private nameOf(expert: number): string {
    return `${expert + 1} ${plainLine(this.experts[expert] ?? 'expert')}`;
  }

  private decision({ by, chosen, votes, judge_error: failure }: PayloadOf<'council_decided'>): string {
    const why = failure === null ? '' : `; the judge failed: ${plainLine(failure.message)}`;
    if (chosen === null) return 'the answer is written out of all';
    return `the answer is that of ${this.nameOf(chosen)}: ${by}${votes === null ? '' : `, ${votes} votes`}${why}`;
  }
}

/** Where the first line that can be shown ends; 0: it may go on. */
function lineEnd(text: string): number {
  const newline = text.indexOf('\n') + 1;
  if (newline > 0 && newline <= LINE_UNITS) return newline;
  return text.length > LINE_UNITS ? text.lastIndexOf(' ', LINE_UNITS) + 1 || LINE_UNITS : newline;
}
