import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DEFAULT_ISOLATE_POOL_OPTIONS, IsolatePool } from './isolate-pool.js';
import type { IsolateCall } from './isolate-result.js';
import { scriptedCall, scriptedFiles } from './scripted-call.js';

/** The isolate processes of this test process, oldest first. */
function childPids(): number[] {
  const isChild = (pid: string): boolean => {
    try {
      const parent = / \d+ \(.*\) \S (\d+)/.exec(` ${readFileSync(`/proc/${pid}/stat`, 'utf8')}`)?.[1];
      return (
        Number(parent) === process.pid &&
        readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('isolate-child')
      );
    } catch {
      return false;
    }
  };
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && isChild(name))
    .map(Number);
}
describe('isolate pool', () => {
  const pool = new IsolatePool(DEFAULT_ISOLATE_POOL_OPTIONS);
  const run = (code: string, overrides: Partial<IsolateCall> = {}, session = 'one') =>
    pool.run(session, scriptedCall(code, overrides));

  beforeAll(() => pool.ready());
  afterAll(() => pool.close());

  it('is available once a process stands ready', () => {
    expect(pool.reason()).toBeUndefined();
    expect(pool.available()).toBe(true);
  });

  it.each([
    ['1 + 1', '2'],
    ['await Promise.resolve("late")', 'late'],
    ['(async () => 7)()', '7'],
    [
      '({ a: [1, "x", null], m: new Map([[1, { b: 2n }]]) })',
      '{ a: [ 1, "x", null ], m: Map { 1 => { b: 2n } } }',
    ],
    ['const o = { get g() { return 1 } }; o.o = o; o', '{ g: [Getter], o: [Circular] }'],
    ['new Uint8Array(3)', 'Uint8Array [ 0, 0, 0 ]'],
    ['function f() {} f', '[Function f]'],
  ])('gives the value of %s', async (code, value) => {
    expect(await run(code)).toMatchObject({ outcome: 'completed', value });
  });

  it('has no value for undefined', async () => {
    expect(await run('let nothing')).not.toHaveProperty('value');
  });

  it('keeps state over calls, and lets const be declared again', async () => {
    await run('const kept = { n: 1 }; let count = 1; function add() { return ++count }');
    expect(await run('const kept = 5; add(); add(); [kept, count]')).toMatchObject({ value: '[ 5, 3 ]' });
    expect(await run('typeof kept', {}, 'two')).toMatchObject({ value: 'undefined' });
  });

  it('streams output while the code runs, by stream and in order', async () => {
    const seen: string[] = [];
    const first = Promise.withResolvers<void>();
    const controller = new AbortController();
    const running = run('console.log("a", { b: 1 }); console.warn("w"); await new Promise(() => {})', {
      signal: controller.signal,
      onOutput: ({ stream, text }) => {
        seen.push(`${stream}:${text}`);
        if (stream === 'stderr') first.resolve();
      },
    });
    await first.promise;
    controller.abort();
    expect(await running).toMatchObject({ outcome: 'cancelled', stdout: 'a { b: 1 }\n', stderr: 'w\n' });
    expect(seen).toEqual(['stdout:a { b: 1 }\n', 'stderr:w\n']);
  });

  it('waits for timers, and clears those that were cleared', async () => {
    const code =
      'const t = setTimeout(() => console.log("no"), 10); clearTimeout(t); setTimeout(console.log, 20, "yes"); 3';
    expect(await run(code)).toMatchObject({ stdout: 'yes\n', value: '3' });
  });

  it('reports what was thrown, at the top, in a promise, in a timer, or by the parser', async () => {
    expect(await run('\nnull.x')).toMatchObject({
      outcome: 'failed',
      error: expect.stringMatching(/^TypeError.*\n.*:2:6/),
    });
    expect(await run('const main = async () => { throw new RangeError("r") }; main()')).toMatchObject({
      outcome: 'failed',
      error: expect.stringContaining('RangeError: r'),
    });
    expect((await run('setTimeout(() => { throw new Error("late") })')).stderr).toContain('Error: late');
    expect(await run('let = = 2')).toMatchObject({
      outcome: 'failed',
      error: expect.stringContaining('SyntaxError'),
    });
    expect(await run('throw { a: 1 }')).toMatchObject({ outcome: 'failed', error: '{ a: 1 }' });
  });

  it('tells of rejections that nobody awaited, once, and without the stack of its own process', async () => {
    const lost = await run('const lose = async () => { throw new Error("lost") }; lose(); 1');
    expect(lost).toMatchObject({ outcome: 'completed', value: '1' });
    expect(lost.stderr).toMatch(/^Uncaught \(in promise\) Error: lost\n    at lose /);
    expect(lost.stderr).not.toContain('guest-session');
    expect(await run('lose()')).toMatchObject({ outcome: 'failed', stderr: '' });
    expect(await run('lose().catch(() => 2)')).toMatchObject({ value: '2', stderr: '' });
    expect((await run('Promise.reject({}); 1')).stderr).toBe(
      'Uncaught (in promise) an object that is no Error\n',
    );
  });

  it.each(['connect timed out', 'Script execution timed out.'])(
    'takes the rejection "%s" of a guest for no time limit',
    async (message) => {
      const code = `const load = async () => { throw new Error('${message}') }; load(); await null; 1`;
      const result = await run(code);
      expect(result).toMatchObject({ outcome: 'completed', value: '1' });
      expect(result.stderr).toContain(`Uncaught (in promise) Error: ${message}`);
    },
  );

  it('stops a loop by itself where its host does not', async () => {
    const clock = { after: () => () => undefined };
    const result = await run('setTimeout(() => { for (;;); })', { timeoutMs: 200, clock });
    expect(result).toMatchObject({ outcome: 'timed_out', stateKept: true });
  });

  it('reads, writes and lists files of the host, as text and bytes', async () => {
    const files = new Map<string, Uint8Array>([['in.txt', Buffer.from('grüße')]]);
    const code = `await writeFile('out.bin', new Uint8Array([1, 0, 255]));
      await writeFile('out.txt', await readFile('in.txt') + '!');
      [await listFiles(), await readFile('out.bin', 'bytes')]`;
    const result = await run(code, { files: scriptedFiles(files) });
    expect(result.value).toContain('Uint8Array [ 1, 0, 255 ]');
    expect([...(files.get('out.bin') ?? [])]).toEqual([1, 0, 255]);
    expect(Buffer.from(files.get('out.txt') ?? []).toString()).toBe('grüße!');
  });

  it('gives file errors to the guest, and refuses what is not a file', async () => {
    expect(await run('await readFile("no")')).toMatchObject({
      outcome: 'failed',
      error: expect.stringContaining('no file no'),
    });
    expect(await run('await writeFile("x", { a: 1 })')).toMatchObject({
      error: expect.stringContaining('TypeError'),
    });
  });

  it.each(['"x".repeat(9e6)', '"日".repeat(4_300_000)', '"é".repeat(4_194_305)'])(
    'refuses to write %s, which has more than 8 MiB, and keeps the variables',
    async (content) => {
      const files = new Map<string, Uint8Array>();
      const result = await run(`var precious = 1; await writeFile("x", ${content})`, {
        files: scriptedFiles(files),
      });
      expect(result).toMatchObject({
        outcome: 'failed',
        error: expect.stringContaining('RangeError: A file may have 8 MiB at most'),
        stateKept: true,
      });
      expect(files.size).toBe(0);
      expect(await run('precious')).toMatchObject({ value: '1' });
    },
  );

  it('writes and reads a text of 8 MiB in any alphabet', async () => {
    const files = scriptedFiles(new Map());
    const code = 'const t = "é".repeat(4_194_304); await writeFile("x", t); (await readFile("x")) === t';
    expect(await run(code, { files })).toMatchObject({ value: 'true' });
  });

  it('stops a loop at its time with the state kept', async () => {
    await run('var before = 1');
    const result = await run('before = 2; for (;;) {}', { timeoutMs: 200 });
    expect(result).toMatchObject({ outcome: 'timed_out', stateKept: true });
    expect(result.durationMs).toBeLessThan(1100);
    expect(await run('before')).toMatchObject({ value: '2' });
  });

  it('cancels in mid-call, and does not start a call that is cancelled already', async () => {
    const controller = new AbortController();
    const running = run('console.log("on"); for (;;) {}', {
      signal: controller.signal,
      onOutput: () => controller.abort(),
    });
    expect(await running).toMatchObject({ outcome: 'cancelled', stateKept: true });
    expect(await run('1', { signal: AbortSignal.abort() })).toMatchObject({ outcome: 'cancelled' });
    expect(await run('1 + 2')).toMatchObject({ value: '3' });
  });

  it('keeps nothing of a slow file operation that was cancelled', async () => {
    const asked = Promise.withResolvers<void>();
    const answer = Promise.withResolvers<Uint8Array>();
    const controller = new AbortController();
    const files = {
      ...scriptedFiles(new Map()),
      read: () => {
        asked.resolve();
        return answer.promise;
      },
    };
    const running = run('await readFile("slow")', { files, signal: controller.signal });
    await asked.promise;
    controller.abort();
    expect(await running).toMatchObject({ outcome: 'cancelled', stateKept: true });
    answer.resolve(Buffer.from('late'));
    expect(await run('4')).toMatchObject({ value: '4' });
  });

  it('survives kill -9 of the process in mid-call, and says that state was lost', async () => {
    await run('var gone = 1', {}, 'killed');
    const running = run(
      'console.log("on"); await new Promise(() => {})',
      { onOutput: () => killAll() },
      'killed',
    );
    const killAll = (): void => childPids().forEach((pid) => process.kill(pid, 'SIGKILL'));
    expect(await running).toMatchObject({ outcome: 'died', stateKept: false });
    expect(await run('typeof gone', {}, 'killed')).toMatchObject({ value: 'undefined', stateLost: 'died' });
    expect(await run('1', {}, 'killed')).not.toHaveProperty('stateLost');
  });

  it('gives the child no environment and offers it to the OOM killer', () => {
    const pids = childPids();
    expect(pids.length).toBeGreaterThan(0);
    for (const pid of pids) {
      expect(
        readFileSync(`/proc/${pid}/environ`, 'utf8')
          .split('\0')
          .filter(Boolean)
          .every((entry) => /^(PWD|SHLVL|OLDPWD|_)=/.test(entry)),
      ).toBe(true);
      expect(readFileSync(`/proc/${pid}/oom_score_adj`, 'utf8').trim()).toBe('1000');
    }
  });
});

describe('isolate pool places', () => {
  it('evicts the session idle the longest, queues when all are busy, recycles, and leaves no process behind', async () => {
    const pool = new IsolatePool({ ...DEFAULT_ISOLATE_POOL_OPTIONS, size: 2, recycleAfterCalls: 3 });
    const before = childPids().length;
    const run = (session: string, code: string) => pool.run(session, scriptedCall(code));
    await run('a', 'var x = 1');
    await run('b', 'var x = 2');
    await run('c', 'var x = 3');
    expect(await run('b', 'x')).toMatchObject({ value: '2' });
    expect(await run('a', 'typeof x')).toMatchObject({ value: 'undefined', stateLost: 'evicted' });
    await Promise.all(
      ['d', 'e', 'f', 'd'].map((session) => run(session, 'await new Promise((r) => setTimeout(r, 20))')),
    );
    for (let call = 0; call < 2; call += 1)
      expect(await run('g', 'var y = 1')).toMatchObject({ stateKept: true });
    expect(await run('g', 'y')).toMatchObject({ value: '1', stateKept: false });
    expect(await run('g', 'typeof y')).toMatchObject({ value: 'undefined', stateLost: 'recycled' });
    await pool.close();
    expect(childPids().length).toBe(before);
    expect(await run('a', '1')).toMatchObject({ outcome: 'unavailable' });
  });

  it('says in time that no place came free', async () => {
    const pool = new IsolatePool({ ...DEFAULT_ISOLATE_POOL_OPTIONS, size: 1 });
    const controller = new AbortController();
    const began = Promise.withResolvers<void>();
    const held = pool.run(
      'a',
      scriptedCall('console.log(1); await new Promise(() => {})', {
        signal: controller.signal,
        onOutput: () => began.resolve(),
      }),
    );
    await began.promise;
    expect(await pool.run('b', scriptedCall('1', { timeoutMs: 50 }))).toMatchObject({
      outcome: 'unavailable',
      error: 'All 1 places for JavaScript are in use. Try again later.',
    });
    controller.abort();
    await held;
    await pool.close();
  });

  it('ends idle sessions', async () => {
    const pool = new IsolatePool({ ...DEFAULT_ISOLATE_POOL_OPTIONS, idleMs: 30 });
    await pool.run('a', scriptedCall('var x = 1'));
    const later = async () => (await pool.run('a', scriptedCall('typeof x'))).stateLost;
    // Each look is a use, so the looks are further apart than the idle time.
    await expect.poll(later, { interval: 250, timeout: 10_000 }).toBe('idle');
    await pool.close();
  });
});
