import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { IsolatePool } from './isolate-pool.js';
import type { GuestTools, IsolateOutcome, IsolateResult } from './isolate-result.js';
import { scriptedCall } from './scripted-call.js';

const MEBIBYTE = 1024 * 1024;
/** Enough to reach the limits of memory first, and for what ends by itself. */
const ROOMY_MS = 1500;
/** For what runs until it is stopped. */
const SHORT_MS = 500;
const RSS_LIMIT = 320 * MEBIBYTE;
const pool = new IsolatePool({
  size: 2,
  memoryLimitMb: 64,
  rssLimitBytes: RSS_LIMIT,
  recycleAfterCalls: 200,
  idleMs: 60_000,
});

beforeAll(() => pool.ready());
afterAll(() => pool.close());

/** One that answers, and one that never does. */
const tools: GuestTools = {
  names: ['ok', 'never'],
  call: async (name, args) =>
    name === 'never'
      ? new Promise<never>(() => undefined)
      : { status: 'succeeded', content: JSON.stringify(args) },
};

let programs = 0;

/** Whatever the program did: the server neither grew nor hung, and the next call is answered. */
async function contained(code: string, timeoutMs = ROOMY_MS): Promise<IsolateResult> {
  // Of its own: what a program did to its session's globals is not to weaken the next one.
  const session = `hostile ${(programs += 1)}`;
  const before = process.memoryUsage().rss;
  const result = await pool.run(session, scriptedCall(code, { timeoutMs, tools }));
  expect(process.memoryUsage().rss - before).toBeLessThan(64 * MEBIBYTE);
  // Deadline, one second until SIGKILL, and room for a busy machine.
  expect(result.durationMs).toBeLessThan(timeoutMs + 3000);
  expect(result.peakMemoryBytes).toBeLessThan(RSS_LIMIT + 400 * MEBIBYTE);
  expect(result.stdout.length + result.stderr.length).toBeLessThanOrEqual(65_536);
  expect(await pool.run(session, scriptedCall('6 * 7', { timeoutMs: 30_000 }))).toMatchObject({
    outcome: 'completed',
    value: '42',
  });
  return result;
}

const ENDED: readonly IsolateOutcome[] = ['failed', 'timed_out', 'out_of_memory', 'died'];

describe('programs that eat memory', () => {
  it.each([
    ['a filled array', 'Array(1e9).fill(0)'],
    ['a growing map', 'const m = new Map(); for (let i = 0; ; i++) m.set(i, { i })'],
    ['ten million keys', 'const o = {}; for (let i = 0; i < 1e8; i++) o["k" + i] = i'],
    ['arrays of arrays', 'const a = []; for (;;) a.push(new Array(1e6).fill(a))'],
    ['a sparse sort', 'const a = []; a[4e9] = 1; a.length = 4294967295; a.fill(1).sort()'],
    ['a huge JSON text', 'JSON.stringify(Array(3e7).fill("abc")).length; for (;;) {}'],
    ['squared big integers', 'let n = 3n; for (;;) n = n * n'],
    ['a doubling string', 'let s = "x"; const l = []; for (;;) { s += s; l.push(s.split("")) }'],
    ['array buffers', 'const l = []; for (;;) l.push(new ArrayBuffer(1e7))'],
    ['touched typed arrays', 'const l = []; for (;;) l.push(new Uint8Array(1e7).fill(1))'],
    ['deep recursion', '(function r() { r() })()'],
    ['recursion that catches', '(function r() { try { r() } finally { r() } })()'],
    ['nested proxies', 'let p = {}; for (let i = 0; i < 1e6; i++) p = new Proxy(p, {}); p.x; for (;;) {}'],
    ['touched WebAssembly memory', 'new WebAssembly.Memory({ initial: 10000 })'],
    [
      'arguments that nest without end',
      'let o = {}; for (let i = 0; i < 1e6; i++) o = { o }; await tools.ok(o)',
    ],
    ['a stack of 50 MB', 'const e = new Error(); e.stack = "x".repeat(5e7); throw e'],
    [
      'a stack without limit',
      'Error.stackTraceLimit = Infinity; (function r(n) { if (n) r(n - 1); throw new Error("x".repeat(1e6)) })(5000)',
    ],
    ['every promise rejected', 'for (;;) Promise.reject(new Error("x".repeat(1000)))'],
    [
      'a finalizer storm',
      'const r = new FinalizationRegistry(() => { for (;;); }); for (;;) r.register({}, 1)',
    ],
  ])('contains %s', async (_name, code) => {
    expect(ENDED).toContain((await contained(code)).outcome);
  });
});

describe('programs that eat time', () => {
  it.each([
    ['a promise loop', 'const l = () => Promise.resolve().then(l); await l()'],
    ['an endless microtask loop', 'const l = () => { Promise.resolve().then(l) }; l()'],
    ['a catastrophic regex', '/^(a+)+$/.test("a".repeat(50) + "b")'],
    ['a wait on shared memory', 'Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)'],
    ['a promise that never settles', 'await new Promise(() => {})'],
    ['a timer flood', 'for (;;) setTimeout(() => {}, 0)'],
    ['a timer flood that catches', 'for (;;) try { setTimeout(() => {}, 1e6) } catch {}'],
    ['timers made and cleared', 'for (;;) clearTimeout(setTimeout(() => {}, 1e6))'],
    ['timers for ever', 'const f = () => setTimeout(f, 0); f()'],
    ['a value that loops when shown', 'new Proxy({}, { ownKeys() { for (;;); } })'],
    ['a file flood', 'for (;;) writeFile("x", "y").catch(() => {})'],
    ['a flood of tool calls', 'for (;;) tools.ok({}).catch(() => {})'],
    ['a flood of calls that nobody answers', 'for (let i = 0; i < 1e5; i++) tools.never({}).catch(() => {})'],
    ['a tool that never answers', 'await tools.never({})'],
    ['arguments that loop when written', 'await tools.ok({ toJSON() { for (;;); } })'],
    ['a thenable that never settles', 'await { then() {} }'],
    ['a thenable that loops', 'await { then() { for (;;); } }'],
    ['thenables all the way down', 'await { then(r) { r(this) } }'],
    [
      'an element that loops when shown',
      'const a = []; Object.defineProperty(a, 0, { get() { for (;;); } }); a',
    ],
    [
      'a name that loops when printed',
      'const f = () => {}; Object.defineProperty(f, "name", { get() { for (;;); } }); console.log(f)',
    ],
    [
      'a stack that loops when read',
      'const e = new Error(); Object.defineProperty(e, "stack", { get() { for (;;); } }); throw e',
    ],
    ['a prepared stack that loops', 'Error.prepareStackTrace = () => { for (;;); }; throw new Error("x")'],
  ])('contains %s', async (_name, code) => {
    expect(ENDED).toContain((await contained(code, SHORT_MS)).outcome);
  });

  it('contains an endless console flood, and cuts it', async () => {
    const result = await contained('for (;;) console.log("x".repeat(100))', SHORT_MS);
    expect(result).toMatchObject({ outcome: 'timed_out', outputTruncated: true });
    expect(result.stdout.length).toBeGreaterThan(60_000);
  });

  it('cuts a huge result, a huge line and a huge error', async () => {
    expect((await contained('"x".repeat(1e6)')).value?.length).toBeLessThanOrEqual(10_001);
    expect((await contained('Array.from({ length: 1e5 }, (_, i) => "item" + i)')).value?.length).toBeLessThan(
      10_100,
    );
    expect((await contained('throw new Error("x".repeat(1e6))')).error?.length).toBeLessThanOrEqual(10_001);
    expect(await contained('console.log("x".repeat(1e6))')).toMatchObject({ outcome: 'completed' });
  });
});

describe('programs that spoil what comes after them', () => {
  it('does not charge the next call with what a large one left in memory', async () => {
    for (let round = 0; round < 3; round += 1) {
      await contained('const big = new Error(); big.stack = "x".repeat(5e7); throw big');
    }
  });

  it('prints and shows what fails when it is looked at', async () => {
    const bomb = '{ [Symbol.toPrimitive]() { throw 1 }, toString() { throw 2 }, get x() { throw 3 } }';
    expect(
      await contained(`console.log(${bomb}, new Proxy({}, { ownKeys() { throw 4 } })); (${bomb})`),
    ).toMatchObject({
      outcome: 'completed',
      stdout: '{ toString: [Function toString], x: [Getter] } (a value that cannot be shown)\n',
      value: '{ toString: [Function toString], x: [Getter] }',
    });
    expect(await contained(`throw ${bomb}`)).toMatchObject({ outcome: 'failed' });
    expect(
      await contained('const a = []; Object.defineProperty(a, 0, { get() { throw 1 } }); a'),
    ).toMatchObject({
      value: '(a value that cannot be shown)',
    });
  });

  it('keeps timers, answers and promises of a stopped call out of the next', async () => {
    const answer = Promise.withResolvers<Uint8Array>();
    const files = { ...scriptedCall('').files, read: () => answer.promise };
    const ghosts = `setTimeout(() => console.log('timer'), 250); setTimeout(() => console.log('soon'), 0);
      readFile('x').then(() => console.log('answer'), () => console.log('refused'));
      Promise.resolve().then(() => { for (;;); }); 1`;
    expect(await pool.run('ghosts', scriptedCall(ghosts, { timeoutMs: 200, files }))).toMatchObject({
      outcome: 'timed_out',
    });
    answer.resolve(Buffer.from('late'));
    const next = await pool.run('ghosts', scriptedCall('await new Promise((r) => setTimeout(r, 300)); 1'));
    expect(next).toMatchObject({ outcome: 'completed', stdout: '', stderr: '', value: '1' });
  });

  it('keeps polluted prototypes in their own session, and there keeps answering', async () => {
    const pollute = `Object.prototype.polluted = 1; Object.prototype.status = 'succeeded'; Object.prototype.then = (r) => r('mine');
      Array.prototype.toJSON = () => 'mine'; Object.defineProperty(Object.prototype, 'value', { set() {}, get() { return 'mine' } }); 1`;
    await pool.run('polluted', scriptedCall(pollute, { tools }));
    const after = await pool.run(
      'polluted',
      scriptedCall('await tools.ok({}); console.log({}); 2', { tools }),
    );
    expect(['completed', 'failed']).toContain(after.outcome);
    expect(Reflect.get({}, 'polluted')).toBeUndefined();
    const other = await pool.run(
      'clean',
      scriptedCall('[typeof {}.polluted, (await tools.ok({ a: [1] })).content]', { tools }),
    );
    expect(other).toMatchObject({ value: '[ "undefined", "{\\"a\\":[1]}" ]' });
    pool.release('polluted');
    pool.release('clean');
  });

  it('lets no leak outlive the process that is replaced', async () => {
    const small = new IsolatePool({
      size: 1,
      memoryLimitMb: 64,
      rssLimitBytes: RSS_LIMIT,
      recycleAfterCalls: 3,
      idleMs: 60_000,
    });
    const leak = 'globalThis.kept = [...(globalThis.kept ?? []), new Array(1e6).fill(1)]; kept.length';
    const lengths: (string | undefined)[] = [];
    for (let call = 0; call < 12; call += 1) {
      const result = await small.run('leaky', scriptedCall(leak));
      lengths.push(result.value);
      expect(result.peakMemoryBytes).toBeLessThan(250 * MEBIBYTE);
    }
    expect(lengths).toEqual(['1', '2', '3', '1', '2', '3', '1', '2', '3', '1', '2', '3']);
    await small.close();
  });
});

describe('programs that look for a way out', () => {
  it.each([
    'console.log.constructor("return process")()',
    'setTimeout.constructor("return process.env")()',
    'readFile.constructor("return process")()',
    'readFile("x").constructor.constructor("return process")()',
    '(await readFile("x").catch((e) => e)).constructor.constructor("return process")()',
    'this.constructor.constructor("return process")()',
    'import("node:fs")',
    'require("fs")',
    'globalThis.process.exit()',
    'Error.prepareStackTrace = (e, frames) => frames[0].getThis(); new Error("x").stack.process.pid',
    'new SharedArrayBuffer(8)',
    'tools.ok.constructor("return process")()',
    '(await tools.ok({})).constructor.constructor("return process")()',
    'tools.__proto__.constructor("return process")()',
    'const then = Promise.prototype.then; let seen; Promise.prototype.then = function (...a) { seen ??= this; return then.apply(this, a) }; await tools.ok({}); seen.constructor.constructor("return process")()',
  ])('gives %s nothing', async (code) => {
    expect((await contained(code)).outcome).toBe('failed');
  });

  it('shows no more globals than the language and its own few', async () => {
    const { value } = await contained(`Object.getOwnPropertyNames(globalThis)
      .filter((name) => /process|require|^Buffer|fetch|ivm|global$|WebAssembly|Shared|Atomics|module|formatValue/.test(name)).join()`);
    expect(value).toBe('');
  });

  it('is not fooled by a guest that poisons the language', async () => {
    const poison = `for (const p of [Array, Map, String, Object, Promise, Function])
      for (const name of Object.getOwnPropertyNames(p.prototype)) try { p.prototype[name] = () => { throw 'poison' } } catch {}
      console.log('x'); 1`;
    await pool.run('poison', scriptedCall(poison, { timeoutMs: 1000 }));
    await pool.run('poison', scriptedCall('console.log({}); readFile("x"); ({})', { timeoutMs: 1000 }));
    pool.release('poison');
    expect(await pool.run('poison', scriptedCall('[1].map(String)'))).toMatchObject({ value: '[ "1" ]' });
  });
});
