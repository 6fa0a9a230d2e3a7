import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WorkClock } from '../../work-clock.js';
import { DEFAULT_ISOLATE_POOL_OPTIONS, IsolatePool } from './isolate-pool.js';
import type { GuestTools, IsolateCall } from './isolate-result.js';
import { scriptedCall } from './scripted-call.js';

describe('tools in guest code', () => {
  const pool = new IsolatePool(DEFAULT_ISOLATE_POOL_OPTIONS);
  const asked: unknown[] = [];
  const tools: GuestTools = {
    names: ['add', 'fail'],
    async call(name, args) {
      asked.push([name, args]);
      if (name === 'add') return { status: 'succeeded', content: 'sum', value: 3 };
      return {
        status: 'denied',
        content: 'Not today.',
        message: `${name} was denied: Not today.`,
        exit_code: 4,
      };
    },
  };
  const run = (code: string, overrides: Partial<IsolateCall> = {}) =>
    pool.run('tools', scriptedCall(code, { tools, ...overrides }));

  beforeAll(() => pool.ready());
  afterAll(() => pool.close());

  it('give what the tool made, with arguments as JSON has them', async () => {
    asked.length = 0;
    const { value } = await run('await tools.add({ a: [1, "x"], no: undefined, at: new Date(0) })');
    expect(value).toBe('{ status: "succeeded", content: "sum", value: 3 }');
    await run('await tools.add()');
    expect(asked).toEqual([
      ['add', { a: [1, 'x'], at: '1970-01-01T00:00:00.000Z' }],
      ['add', {}],
    ]);
    expect(await run('[tools, Object.keys(tools), await tools === tools]')).toMatchObject({
      value: expect.stringContaining('{ add: [Function add], fail: [Function fail] }'),
    });
  });

  it('throw what did not succeed, with all that is known of it', async () => {
    const caught = `try { await tools.fail({}) } catch (e) { [e.name, e.message, e.status, e.content, e.exit_code, e.tool] }`;
    expect(await run(caught)).toMatchObject({
      value: '[ "ToolError", "fail was denied: Not today.", "denied", "Not today.", 4, "fail" ]',
    });
    const uncaught = await run('await tools.fail({})');
    expect(uncaught).toMatchObject({
      outcome: 'failed',
      error: expect.stringMatching(/^ToolError: fail was denied: Not today\./),
    });
    expect(await run('await tools.nothing({})')).toMatchObject({
      error: expect.stringContaining('nothing was denied'),
    });
  });

  it.each([
    ['await tools.add(1)', 'takes one object'],
    ['await tools.add([1])', 'takes one object'],
    ['await tools.add({ toJSON() {} })', 'takes one object'],
    ['await tools.add({ n: 1n })', 'BigInt'],
    ['await tools.add({ s: "x".repeat(2e6) })', '1 MiB at most'],
    ['const o = {}; o.o = o; await tools.add(o)', 'circular'],
    ['await Promise.all(Array.from({ length: 65 }, () => tools.add({})))', '64 operations'],
  ])('refuse %s', async (code, message) => {
    expect(await run(code)).toMatchObject({ outcome: 'failed', error: expect.stringContaining(message) });
  });

  it('are those of the call, whatever an earlier one made of them', async () => {
    await run('tools = null; var kept = 1');
    expect(await run('[kept, (await tools.add({})).value]')).toMatchObject({ value: '[ 1, 3 ]' });
    const none = { names: [], call: tools.call };
    expect(await run('Object.keys(tools)', { tools: none })).toMatchObject({ value: '[]' });
  });

  it('give a result that is too large cut, and the next call is answered', async () => {
    const large = { status: 'succeeded', content: '\u0001'.repeat(1e6), stdout: 'y' };
    const { value } = await run('const r = await tools.add({}); [r.content.length, r.stdout]', {
      tools: { names: ['add'], call: async () => large },
    });
    expect(value).toBe('[ 500018, undefined ]');
  });

  it('are over for a call that was stopped, and the clock decides when that is', async () => {
    const clock = new WorkClock();
    const answer = Promise.withResolvers<void>();
    const asking = Promise.withResolvers<void>();
    const slow: GuestTools = {
      names: ['slow'],
      async call() {
        const waited = clock.standStill(answer.promise);
        asking.resolve();
        await waited;
        return { status: 'succeeded', content: 'late' };
      },
    };
    const began = performance.now();
    const running = run('(await tools.slow()).content', { tools: slow, clock, timeoutMs: 500 });
    await asking.promise;
    // Longer than the call has: the clock of the world goes on, that of the call does not.
    await expect
      .poll(() => performance.now() - began, { interval: 20, timeout: 10_000 })
      .toBeGreaterThan(1000);
    answer.resolve();
    expect(await running).toMatchObject({ outcome: 'completed', value: 'late' });
    const never = { names: ['slow'], call: () => new Promise<never>(() => undefined) };
    expect(await run('await tools.slow()', { tools: never, timeoutMs: 100 })).toMatchObject({
      outcome: 'timed_out',
      stateKept: true,
    });
  });
});
