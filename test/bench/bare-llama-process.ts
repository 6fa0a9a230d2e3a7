import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import {
  type BareAnswer,
  bareAnswerSchema,
  type BareRequest,
  type BareSettings,
} from './bare-llama-protocol.js';

/** The bare library in a process of its own. */
export class BareLlama {
  private constructor(private readonly child: ChildProcess) {}

  static async start(settings: BareSettings): Promise<BareLlama> {
    const argument = JSON.stringify(settings);
    const child = fork(fileURLToPath(new URL('./bare-llama.js', import.meta.url)), [argument], {
      execArgv: [],
    });
    await once(child, 'message');
    return new BareLlama(child);
  }

  async ask(request: BareRequest): Promise<BareAnswer> {
    const answered = once(this.child, 'message');
    this.child.send(request);
    const [raw] = (await answered) as [unknown];
    return bareAnswerSchema.parse(raw);
  }

  stop(): void {
    this.child.disconnect();
  }
}
