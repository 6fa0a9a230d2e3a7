import { setImmediate as turn } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DEFAULT_ISOLATE_POOL_OPTIONS, IsolatePool } from './isolate-pool.js';
import type { IsolateCall } from './isolate-result.js';
import { scriptedCall, scriptedFiles } from './scripted-call.js';

describe('files in guest code', () => {
  const pool = new IsolatePool(DEFAULT_ISOLATE_POOL_OPTIONS);
  const run = (code: string, overrides: Partial<IsolateCall> = {}) =>
    pool.run('files', scriptedCall(code, { timeoutMs: 30_000, ...overrides }));

  beforeAll(() => pool.ready());
  afterAll(() => pool.close());

  it('are in the memory of their host one after another, however many are asked for at once', async () => {
    const stored = new Map<string, Uint8Array>();
    const underWay: string[] = [];
    let most = 0;
    const files = {
      ...scriptedFiles(stored),
      write: async (path: string, data: Uint8Array) => {
        most = Math.max(most, underWay.push(path));
        await turn();
        underWay.pop();
        stored.set(path, data);
      },
    };
    const code = `await Promise.all(Array.from({ length: 20 }, (_, i) => writeFile('f' + i, 'text ' + i)));
      await readFile('f19')`;
    expect(await run(code, { files })).toMatchObject({ outcome: 'completed', value: 'text 19' });
    expect([most, stored.size]).toEqual([1, 20]);
  });

  it('are refused where 32 MiB wait to be written, and the others are written', async () => {
    const stored = new Map<string, Uint8Array>();
    const refused = Promise.withResolvers<void>();
    const files = {
      ...scriptedFiles(stored),
      write: async (path: string, data: Uint8Array) => {
        await refused.promise;
        stored.set(path, data);
      },
    };
    const code = `const eight = new Uint8Array(8_388_608);
      const writes = [1, 2, 3, 4].map((name) => writeFile('f' + name, eight));
      await writeFile('f5', 'more').catch((error) => console.log(String(error)));
      await Promise.all(writes); 'done'`;
    const result = await run(code, { files, onOutput: () => refused.resolve() });
    expect(result).toMatchObject({
      outcome: 'completed',
      value: 'done',
      stdout: 'RangeError: Files of 32 MiB are waiting to be written: await some first\n',
    });
    expect([...stored.keys()]).toEqual(['f1', 'f2', 'f3', 'f4']);
  });

  it('that a stopped call still waited for are not asked for any more, and those of the next call are', async () => {
    const began = Promise.withResolvers<void>();
    const answer = Promise.withResolvers<Uint8Array>();
    const read: string[] = [];
    const files = {
      ...scriptedFiles(new Map()),
      read: (path: string) => {
        read.push(path);
        began.resolve();
        return answer.promise;
      },
    };
    const controller = new AbortController();
    const stopped = run('await Promise.all([readFile("slow"), readFile("never")])', {
      files,
      signal: controller.signal,
    });
    await began.promise;
    controller.abort();
    expect(await stopped).toMatchObject({ outcome: 'cancelled', stateKept: true });
    const next = run('console.log("on"); await readFile("next")', {
      files,
      onOutput: () => answer.resolve(Buffer.from('text')),
    });
    expect(await next).toMatchObject({ outcome: 'completed', value: 'text' });
    expect(read).toEqual(['slow', 'next']);
  });
});
