import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DomainError } from '../errors.js';
import type { ExecutionResult, Sandbox, SandboxOutput, SandboxProvider } from './sandbox.js';

/** What the suite runs; a double has to answer these as a real interpreter and a real shell would. */
export const CONFORMANCE_PROGRAMS = {
  prints: 'import sys\nprint("hello")\nprint("é", file=sys.stderr)',
  value: '20 + 22',
  raises: 'raise ValueError("no such luck")',
  writes: 'with open("made.txt", "w") as file:\n    print("made", end="", file=file)',
  waits: 'import time\nprint("begun")\ntime.sleep(600)',
  printsMuch: 'print("x" * 5000)',
  shellFails: 'echo shell; exit 3',
  staysBehind: 'sleep 600 & echo started',
} as const;

const LIMITS = { timeoutMs: 20_000 };
const never = (): AbortSignal => new AbortController().signal;

/** The promises of the sandbox port that hold for every provider. Needs vitest's globals to be importable. */
export function describeSandboxConformance(name: string, makeProvider: () => Promise<SandboxProvider>): void {
  describe(`${name} keeps the sandbox port's promises`, () => {
    let provider: SandboxProvider;
    let session = 0;

    beforeAll(async () => {
      provider = await makeProvider();
      await provider.ready();
    });
    afterAll(() => provider.close());

    const acquire = (sessionId = `sess_${(session += 1)}`): Promise<Sandbox> =>
      provider.acquire({ sessionId, runId: 'run_1', generation: 1 });
    const exec = (sandbox: Sandbox, code: string, output: SandboxOutput[] = []): Promise<ExecutionResult> =>
      sandbox.exec(code, LIMITS, (piece) => void output.push(piece), never());

    describeSessions(() => provider, acquire, exec);
    describeCalls(acquire, exec);
    describeReports(acquire, exec);
    describeStopping(acquire, exec);
    describeFiles(acquire, exec);
  });
}

type Acquire = (sessionId?: string) => Promise<Sandbox>;
type Exec = (sandbox: Sandbox, code: string, output?: SandboxOutput[]) => Promise<ExecutionResult>;

function describeSessions(provider: () => SandboxProvider, acquire: Acquire, exec: Exec): void {
  test('a session gets the same sandbox until it is released, then a fresh one', async () => {
    const first = await acquire('sess_same');
    const again = await acquire('sess_same');
    expect([first.fresh, again.fresh, again.id]).toEqual([true, false, first.id]);
    expect(provider().current('sess_same')?.id).toBe(first.id);

    await provider().release('sess_same');
    expect(provider().current('sess_same')).toBeUndefined();
    const next = await acquire('sess_same');
    expect(next.fresh).toBe(true);
    expect(next.id).not.toBe(first.id);
  });

  test('acquires of one session at the same time get the same sandbox', async () => {
    const [one, other] = await Promise.all([acquire('sess_at_once'), acquire('sess_at_once')]);
    expect(one.id).toBe(other.id);
  });

  test('releasing a session that has none is no failure', async () => {
    await provider().release('sess_without');
    expect(provider().current('sess_without')).toBeUndefined();
  });

  test('what is enforced is said', () => {
    expect(provider().protections()).toMatchObject({ available: true, network: 'none' });
    expect(provider().protections().reason).toBeUndefined();
  });

  test('sessions do not see each other', async () => {
    const [one, other] = [await acquire(), await acquire()];
    await one.write('mine.txt', Buffer.from('x'));
    expect(await other.list()).toEqual([]);
  });

  test('acquiring with an aborted signal rejects and makes nothing', async () => {
    const signal = AbortSignal.abort(new Error('gone'));
    await expect(
      provider().acquire({ sessionId: 'sess_aborted', runId: 'run_1', generation: 1 }, signal),
    ).rejects.toThrow('gone');
    expect(provider().current('sess_aborted')).toBeUndefined();
  });

  test('a closed sandbox loses calls and refuses files', async () => {
    const sandbox = await acquire();
    await sandbox.close();
    await sandbox.close();
    expect(await exec(sandbox, CONFORMANCE_PROGRAMS.value)).toMatchObject({
      outcome: 'sandbox_lost',
      stateKept: false,
    });
    await expect(sandbox.list()).rejects.toMatchObject({ code: 'unavailable' });
  });

  test('closing ends a running call as lost', async () => {
    const sandbox = await acquire();
    const result = await sandbox.exec(CONFORMANCE_PROGRAMS.waits, LIMITS, () => sandbox.close(), never());
    expect(result).toMatchObject({ outcome: 'sandbox_lost', changes: [], stdout: 'begun\n' });
  });
}

function describeCalls(acquire: Acquire, exec: Exec): void {
  test('output is streamed as text and returned whole', async () => {
    const output: SandboxOutput[] = [];
    const result = await exec(await acquire(), CONFORMANCE_PROGRAMS.prints, output);
    const streamed = (stream: string): string =>
      output
        .filter((piece) => piece.stream === stream)
        .map(({ text }) => text)
        .join('');
    expect(result).toMatchObject({ outcome: 'completed', stateKept: true, stdout: 'hello\n', stderr: 'é\n' });
    expect([streamed('stdout'), streamed('stderr')]).toEqual(['hello\n', 'é\n']);
  });

  test('a value, an exception and an exit status are reported as such', async () => {
    const sandbox = await acquire();
    expect(await exec(sandbox, CONFORMANCE_PROGRAMS.value)).toMatchObject({
      outcome: 'completed',
      value: '42',
    });
    const raised = await exec(sandbox, CONFORMANCE_PROGRAMS.raises);
    expect(raised).toMatchObject({ outcome: 'failed', stateKept: true });
    expect(raised.exception).toContain('ValueError: no such luck');
    const shell = await sandbox.shell([CONFORMANCE_PROGRAMS.shellFails], LIMITS, () => undefined, never());
    expect(shell).toMatchObject({ outcome: 'failed', exitCode: 3, stdout: 'shell\n' });
  });

  test('calls made at once run one after another', async () => {
    const sandbox = await acquire();
    const order: string[] = [];
    const program = (label: string): Promise<void> =>
      exec(sandbox, CONFORMANCE_PROGRAMS.value).then(() => void order.push(label));
    await Promise.all([program('first'), program('second'), program('third')]);
    expect(order).toEqual(['first', 'second', 'third']);
  });
}

function describeReports(acquire: Acquire, exec: Exec): void {
  test('a call that did nothing out of the way says so', async () => {
    expect(await exec(await acquire(), CONFORMANCE_PROGRAMS.value)).toMatchObject({
      droppedBytes: 0,
      overflows: [],
      closedStreams: [],
      oomKills: 0,
      background: [],
    });
  });

  test('output past the cap is in a file, whole', async () => {
    const sandbox = await acquire();
    const limits = { ...LIMITS, maxOutputBytes: 1000 };
    const result = await sandbox.exec(CONFORMANCE_PROGRAMS.printsMuch, limits, () => undefined, never());
    expect(result).toMatchObject({ outcome: 'completed', stdout: 'x'.repeat(1000), droppedBytes: 4001 });
    const [overflow] = result.overflows;
    expect(overflow).toMatchObject({ stream: 'stdout', droppedBytes: 4001, file: { bytes: 5001 } });
    const path = overflow?.file?.path ?? '';
    expect(result.changes).toMatchObject([{ change: 'created', path, bytes: 5001 }]);
    expect((await bytesOf(sandbox.read(path, 10_000))).toString()).toBe(`${'x'.repeat(5000)}\n`);
  });

  test.each(['end', 'keep'] as const)('processes left behind: %s', async (background) => {
    const sandbox = await acquire();
    const limits = { ...LIMITS, background };
    const result = await sandbox.shell([CONFORMANCE_PROGRAMS.staysBehind], limits, () => undefined, never());
    expect(result).toMatchObject({ outcome: 'completed', stdout: 'started\n' });
    // Until it has become what it runs a process is still its shell, and for a moment it has a name and no arguments.
    const kept = background === 'keep' ? [{ command: expect.stringMatching(/^sleep|^bash/) }] : [];
    expect(result.background).toMatchObject(kept);
  });
}

function describeStopping(acquire: Acquire, exec: Exec): void {
  test('a call ends at its time limit', async () => {
    const sandbox = await acquire();
    const result = await sandbox.exec(
      CONFORMANCE_PROGRAMS.waits,
      { timeoutMs: 300 },
      () => undefined,
      never(),
    );
    expect(result).toMatchObject({ outcome: 'timed_out', stateKept: true });
  });

  test('a call ends when its signal is aborted, and does not begin when it already is', async () => {
    const sandbox = await acquire();
    const cancel = new AbortController();
    const stopped = await sandbox.exec(
      CONFORMANCE_PROGRAMS.waits,
      LIMITS,
      () => cancel.abort(),
      cancel.signal,
    );
    expect(stopped).toMatchObject({ outcome: 'interrupted', stateKept: true, stdout: 'begun\n' });
    const begun: SandboxOutput[] = [];
    const refused = await sandbox.exec(
      CONFORMANCE_PROGRAMS.prints,
      LIMITS,
      (piece) => void begun.push(piece),
      cancel.signal,
    );
    expect(refused.outcome).toBe('interrupted');
    expect(begun).toEqual([]);
  });

  test('interrupt stops the running call and nothing else', async () => {
    const sandbox = await acquire();
    await sandbox.interrupt();
    const stopped = await sandbox.exec(
      CONFORMANCE_PROGRAMS.waits,
      LIMITS,
      () => sandbox.interrupt(),
      never(),
    );
    expect(stopped.outcome).toBe('interrupted');
    expect(await exec(sandbox, CONFORMANCE_PROGRAMS.value)).toMatchObject({ value: '42' });
  });

  test('a sink that fails ends the call with its own error, and the sandbox lives', async () => {
    const sandbox = await acquire();
    const failing = (): never => {
      throw new Error('the reader is gone');
    };
    await expect(sandbox.exec(CONFORMANCE_PROGRAMS.prints, LIMITS, failing, never())).rejects.toThrow(
      'the reader is gone',
    );
    expect(await exec(sandbox, CONFORMANCE_PROGRAMS.value)).toMatchObject({ value: '42' });
  });
}

async function bytesOf(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all);
}

function describeFiles(acquire: Acquire, exec: Exec): void {
  test('files go in, are listed, come out the same and are removed', async () => {
    const sandbox = await acquire();
    const data = randomBytes(3 * 2 ** 20 + 1);
    await sandbox.write('folder/in it/data.bin', data);
    expect(await sandbox.list()).toMatchObject([{ path: 'folder/in it/data.bin', bytes: data.length }]);
    expect((await bytesOf(sandbox.read('folder/in it/data.bin', data.length))).equals(data)).toBe(true);
    await sandbox.remove('folder/in it/data.bin');
    expect(await sandbox.list()).toEqual([]);
  });

  test('what a call writes is reported as its changes, what the host writes is not', async () => {
    const sandbox = await acquire();
    await sandbox.write('given.txt', Buffer.from('given'));
    const created = await exec(sandbox, CONFORMANCE_PROGRAMS.writes);
    expect(created.changes).toMatchObject([{ change: 'created', path: 'made.txt', bytes: 4 }]);
    expect(await sandbox.pending()).toEqual([]);
    expect((await bytesOf(sandbox.read('made.txt', 100))).toString()).toBe('made');
    const modified = await exec(sandbox, CONFORMANCE_PROGRAMS.writes);
    expect(modified.changes).toMatchObject([{ change: 'modified', path: 'made.txt' }]);
    expect((await exec(sandbox, CONFORMANCE_PROGRAMS.value)).changes).toEqual([]);
  });

  test('a reader may stop early', async () => {
    const sandbox = await acquire();
    await sandbox.write('long.bin', randomBytes(4 * 2 ** 20));
    for await (const _chunk of sandbox.read('long.bin', 2 ** 30)) break;
    expect(await exec(sandbox, CONFORMANCE_PROGRAMS.value)).toMatchObject({ value: '42' });
  });

  test.each(['/etc/passwd', '../etc/passwd', 'a/../../b', './a', 'a//b', ''])(
    'the path %j is refused',
    async (path) => {
      const sandbox = await acquire('sess_paths');
      const refused = { code: 'invalid_request' };
      await expect(bytesOf(sandbox.read(path, 100))).rejects.toMatchObject(refused);
      await expect(sandbox.write(path, Buffer.from('x'))).rejects.toMatchObject(refused);
      await expect(sandbox.remove(path)).rejects.toMatchObject(refused);
    },
  );

  test('missing and oversized files are told apart', async () => {
    const sandbox = await acquire();
    await expect(bytesOf(sandbox.read('absent', 100))).rejects.toBeInstanceOf(DomainError);
    await expect(bytesOf(sandbox.read('absent', 100))).rejects.toMatchObject({ code: 'not_found' });
    await sandbox.write('big', Buffer.alloc(101));
    await expect(bytesOf(sandbox.read('big', 100))).rejects.toMatchObject({ code: 'too_large' });
  });
}
