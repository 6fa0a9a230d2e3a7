import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { CellResult } from './cells.js';

const BARE_PROGRAM = `
import json, sys
for line in sys.stdin:
    print(json.dumps({"value": repr(eval(json.loads(line)["code"]))}), flush=True)
`;

/** A Python of this machine that takes `{"code"}` and gives a cell's result, a line each: the least a call can cost. */
export class JsonLinePython {
  private constructor(
    private readonly ask: (line: string) => Promise<string>,
    readonly stop: () => Promise<void>,
  ) {}

  static bare(): JsonLinePython {
    return JsonLinePython.running('python3', BARE_PROGRAM);
  }

  static running(python: string, program: string): JsonLinePython {
    const child = spawn(python, ['-u', '-c', program], { stdio: ['pipe', 'pipe', 'inherit'] });
    const ended = once(child, 'exit');
    const gone = ended.then(() => {
      throw new Error(`${python} has ended.`);
    });
    gone.catch(() => undefined);
    const lines = createInterface({ input: child.stdout });
    return new JsonLinePython(
      async (line) => {
        const answered = once(lines, 'line');
        child.stdin.write(`${line}\n`);
        return ((await Promise.race([answered, gone])) as [string])[0];
      },
      async () => {
        child.stdin.end();
        child.kill();
        await ended;
      },
    );
  }

  async call(code: string): Promise<CellResult> {
    const result = JSON.parse(await this.ask(JSON.stringify({ code }))) as Partial<CellResult>;
    return { pictures: 0, printedBytes: 0, ...result };
  }
}
