import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { ScriptedSandboxProvider } from '../../src/sandbox/scripted/scripted-sandbox-provider.js';
import { createPythonTool } from '../../src/tools/python/python.tool.js';
import { WorkClock } from '../../src/work-clock.js';
import type { TestDatabase } from '../support/test-database.js';
import { follow, isDone, newDatabase, OWNER, responseOf, startWorker } from './run-harness.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await newDatabase();
});
afterEach(() => vi.restoreAllMocks());
afterAll(() => database.drop());

/** Says whether any work clock stands still now. */
function watchClocks(): () => boolean {
  let standing = 0;
  const standStill = WorkClock.prototype.standStill;
  vi.spyOn(WorkClock.prototype, 'standStill').mockImplementation(async function <T>(
    this: WorkClock,
    wait: Promise<T>,
  ): Promise<T> {
    standing += 1;
    try {
      return (await standStill.call(this, wait)) as T;
    } finally {
      standing -= 1;
    }
  });
  return () => standing > 0;
}

test("only a call's code takes of its time, not making and filling its sandbox, nor keeping its files", async () => {
  const stands = watchClocks();
  const seen: [string, boolean][] = [];
  const look = (what: string): void => void seen.push([what, stands()]);
  const sandboxes = new ScriptedSandboxProvider(() => {
    look('code');
    return { files: { 'made.txt': 'made' } };
  });
  const acquire = sandboxes.acquire.bind(sandboxes);
  sandboxes.acquire = async (spec, signal) => {
    look('make');
    const sandbox = await acquire(spec, signal);
    const { write, read } = sandbox;
    sandbox.write = (...input) => {
      look('fill');
      return write.apply(sandbox, input);
    };
    sandbox.read = (...input) => {
      look('keep');
      return read.apply(sandbox, input);
    };
    return sandbox;
  };
  const worker = await startWorker(database, [createPythonTool(sandboxes)], [], {}, sandboxes);
  const { id: sessionId } = await worker.sessions.create(OWNER, {});
  const call = { session_id: sessionId, name: 'python', arguments: { code: '1' } };
  const events = [];
  for (let number = 0; number < 2; number += 1) {
    const { run } = await worker.runs.invokeTool(OWNER, call);
    events.push(await follow(worker, run.session_id, (event) => isDone(event) && event.run_id === run.id));
    await sandboxes.release(sessionId);
  }
  await worker.close();
  expect(responseOf(events[1] ?? []).agentic_tool_calls).toMatchObject([{ status: 'succeeded' }]);
  expect(seen).toEqual([
    ['make', true],
    ['code', false],
    ['keep', true],
    ['make', true],
    ['fill', true],
    ['code', false],
    ['keep', true],
  ]);
});
