import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { toolCallDataSchema } from '../../events/tool-call-data.js';
import { DEFAULT_ISOLATE_POOL_OPTIONS, IsolatePool } from '../../sandbox/isolate/isolate-pool.js';
import { scriptedContext } from '../scripted-context.js';
import { ScriptedWorkspace } from '../scripted-workspace.js';
import type { NestedTools, ToolContext } from '../tool.js';
import { createJavascriptTool } from './javascript.tool.js';

describe('javascript tool', () => {
  // The process's limit lies under the heap's, so that the watchdog is the one that ends a hungry program.
  const limits = { memoryLimitMb: 512, rssLimitBytes: 180 * 1024 * 1024 };
  const pool = new IsolatePool({ ...DEFAULT_ISOLATE_POOL_OPTIONS, ...limits, size: 2 });
  const tool = createJavascriptTool(pool);
  const run = (code: string, overrides: Partial<ToolContext> = {}) =>
    tool.execute({ code }, scriptedContext(overrides));

  beforeAll(async () => {
    expect(tool.available()).toBe(false);
    await pool.ready();
  });
  afterAll(() => pool.close());

  it('is available once its process can start', () => {
    expect(tool.available()).toBe(true);
  });

  it('gives what was printed, then the value, and streams it', async () => {
    const streamed: string[] = [];
    const emitOutput = async (stream: string, text: string): Promise<void> =>
      void streamed.push(`${stream}:${text}`);
    const outcome = await run('console.log("one"); console.error("two"); 3', { emitOutput });
    expect(outcome).toMatchObject({ status: 'succeeded', content: 'one\ntwo\n3' });
    expect(outcome.data).toMatchObject({ stdout: 'one\n', stderr: 'two\n', value: '3', state_kept: true });
    expect(toolCallDataSchema.parse(outcome.data)).toEqual(outcome.data);
    expect(streamed).toEqual(['stdout:one\n', 'stderr:two\n']);
  });

  it('says so when there is nothing to show', async () => {
    expect((await run('let x = 1')).content).toBe('(Nothing was printed, and the value is undefined.)');
  });

  it('gives the error with a short stack', async () => {
    const outcome = await run(
      'console.log("before"); function f(n) { if (n) f(n - 1); else throw new TypeError("bad") } f(50)',
    );
    expect(outcome.status).toBe('failed');
    expect(outcome.content).toMatch(/^before\nTypeError: bad\n/);
    expect(outcome.content.split('\n').length).toBeLessThan(10);
  });

  it('says after a timeout whether variables are kept', async () => {
    await run('var kept = 1');
    const outcome = await run('console.log("begun"); for (;;) {}', { timeoutMs: 200 });
    expect(outcome).toMatchObject({
      status: 'timed_out',
      content: 'begun\n[Stopped after 0.2 s, the time limit. Variables are kept.]',
    });
    expect((await run('kept')).content).toBe('1');
  });

  it('says at the next call that memory ended the variables', async () => {
    await run('var lost = 1');
    const outcome = await run('const m = new Map(); for (let i = 0; ; i++) m.set(i, { i })');
    expect(outcome).toMatchObject({ status: 'failed', content: expect.stringContaining('too much memory') });
    const next = await run('typeof lost');
    expect(next.content).toBe(
      '[Variables of earlier calls are gone: an earlier call used too much memory.]\nundefined',
    );
  });

  it('says that variables are gone when a process of the server is not the one that had them', async () => {
    const told: string[] = [];
    const elsewhere = {
      sessionId: 'sess_moved',
      ranBefore: async () => true,
      tellStateLost: async (reason: string) => void told.push(reason),
    };
    expect((await run('typeof x', elsewhere)).content).toBe(
      '[Variables of earlier calls are gone: the server was restarted, or the session moved to another of its processes.]\nundefined',
    );
    expect(told).toEqual([
      'Variables of earlier calls are gone: the server was restarted, or the session moved to another of its processes.',
    ]);
    expect((await run('1', elsewhere)).content).toBe('1');
  });

  it('calls other tools, whose results are data and whose failures are thrown', async () => {
    const asked: unknown[] = [];
    const nested: NestedTools = {
      names: ['python', 'terminal'],
      async call(name, args) {
        asked.push([name, args]);
        if (name === 'terminal') return { status: 'denied', content: 'Not today.' };
        const data = {
          tool_type: 'code_execution' as const,
          code: 'x',
          stdout: '3\n',
          images_base64: ['iVBO'],
        };
        return { status: 'succeeded', content: '3', data };
      },
      made: () => [{ tool: 'python', status: 'succeeded' }],
    };
    const used = await run('const r = await tools.python({ code: "x" }); r', { nested });
    expect(used.content).toBe('{ status: "succeeded", content: "3", stdout: "3\\n" }');
    expect(asked).toEqual([['python', { code: 'x' }]]);
    expect(await run('await tools.terminal({ commands: ["ls"] })', { nested })).toMatchObject({
      status: 'failed',
      content: expect.stringMatching(/^ToolError: terminal was denied: Not today\./),
    });
    const stopped = await run('await tools.python({}); for (;;) {}', { nested, timeoutMs: 200 });
    expect(stopped.content).toBe(
      '[Stopped after 0.2 s, the time limit. Variables are kept.]\n[By then it had called: python (succeeded).]',
    );
  });

  it('says so when a call was the last of its process', async () => {
    const few = new IsolatePool({ ...DEFAULT_ISOLATE_POOL_OPTIONS, size: 1, recycleAfterCalls: 1 });
    const outcome = await createJavascriptTool(few).execute({ code: 'var y = 1; y' }, scriptedContext({}));
    expect(outcome.content).toBe(
      '1\n[Variables are gone from here on: their process is replaced after a number of calls.]',
    );
    expect(outcome.data).toMatchObject({ state_kept: false });
    await few.close();
  });

  it('is cancelled by the signal', async () => {
    const controller = new AbortController();
    const emitOutput = async (): Promise<void> => controller.abort();
    const outcome = await run('console.log("on"); await new Promise(() => {})', {
      signal: controller.signal,
      emitOutput,
    });
    expect(outcome).toMatchObject({ status: 'cancelled', content: expect.stringContaining('[Cancelled.') });
  });

  it('shares the working directory, inside its bounds', async () => {
    const workspace = new ScriptedWorkspace();
    await run('await writeFile("out/a.json", JSON.stringify([1]))', { workspace });
    expect(Buffer.from(workspace.files.get('out/a.json')?.data ?? []).toString()).toBe('[1]');
    expect((await run('(await listFiles()).map((f) => f.path)', { workspace })).content).toBe(
      '[ "out/a.json" ]',
    );
    expect(await run('await readFile("../../etc/passwd")', { workspace })).toMatchObject({
      status: 'failed',
      content: expect.stringContaining('Use a relative path'),
    });
    expect((await run('await writeFile("/etc/x", "y")', { workspace })).status).toBe('failed');
    expect((await run('await readFile("no.txt")', { workspace })).content).toContain('listFiles() tells');
  });
});
