import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { calls, says, type ScriptedTurn } from '../../src/engine/scripted/scripted-turn.js';
import type { GantryEvent } from '../../src/events/event.js';
import type { CreateRunRequest } from '../../src/runs/run-request.js';
import type { ToolContext } from '../../src/tools/tool.js';
import {
  follow,
  isDone,
  ofType,
  OWNER,
  responseOf,
  scriptedTool,
  type WorkerProcess,
  workToEnd,
  workUntil,
} from './run-harness.js';
import { RunWorkers } from './run-workers.js';

let workers: RunWorkers;
let worker: WorkerProcess;
/** What the tools did, in order. */
const done: string[] = [];
const hanging = Promise.withResolvers<void>();
/** The code that a call of the tool `code` runs, by the name in its argument. */
const programs = new Map<string, (context: ToolContext) => Promise<unknown>>();

const tools = [
  scriptedTool('code', { execution: 'serial', callingHint: 'Code may call.' }, async (name, context) =>
    JSON.stringify(await programs.get(name)?.(context)),
  ),
  scriptedTool('echo', {}, async (value, { emitOutput }) => {
    done.push(`echo ${value}`);
    await emitOutput('stdout', `out ${value}`);
    return `echo: ${value}`;
  }),
  scriptedTool('reach', { reach: 'network' }, (value) => {
    done.push(`reach ${value}`);
    return `reached ${value}`;
  }),
  scriptedTool('step', { execution: 'serial' }, async (value, { ranBefore }) => {
    done.push(`${value} begins`);
    // Longer than another call takes to begin.
    for (let trip = 0; trip < 50; trip += 1) await ranBefore();
    done.push(`${value} ends`);
    return value;
  }),
  scriptedTool('hang', {}, async (_value, { signal }) => {
    done.push('hang');
    hanging.resolve();
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
    done.push('hang aborted');
    return 'stopped';
  }),
];

beforeAll(async () => {
  workers = await RunWorkers.open();
  worker = await workers.start(tools);
});

afterAll(() => workers.close());

const code = (name: string, ...others: { name: string; arguments: { value: string } }[]) =>
  calls({ name: 'code', arguments: { value: name } }, ...others);

function program(name: string, work: (context: ToolContext) => Promise<unknown>): ScriptedTurn {
  programs.set(name, work);
  return code(name);
}

function work(request: CreateRunRequest, ...turns: readonly ScriptedTurn[]) {
  worker.engine.enqueue(...turns);
  return workToEnd(worker, request);
}

/** A run up to where a nested call of it asks a person. */
async function asking(request: CreateRunRequest, ...turns: readonly ScriptedTurn[]) {
  const asked = await workUntil(worker, 'agentic_tool_approval_required', request, turns);
  return { ...asked, end: () => follow(worker, asked.sessionId, isDone) };
}

/** Calls by name in the order of their ends. */
function ended(events: readonly GantryEvent[]): string[] {
  return ofType(events, 'agentic_tool_call_progress')
    .filter(({ phase }) => phase === 'complete')
    .map(({ tool_name, status }) => `${tool_name} ${status}`);
}

const CODE_RESULT = (events: readonly GantryEvent[]) =>
  JSON.parse(responseOf(events).agentic_tool_calls[0]?.result_content ?? 'null') as never;

describe('a call that code makes', () => {
  test('is judged, shown, streamed and kept as a call of its own, which names its parent', async () => {
    const { events } = await work(
      { input: 'nest' },
      program('one', ({ nested }) => nested.call('echo', { value: 'a' })),
      says('Done.'),
    );
    expect(CODE_RESULT(events)).toMatchObject({ status: 'succeeded', content: 'echo: a' });
    const [parent, child] = responseOf(events).agentic_tool_calls;
    expect(parent).not.toHaveProperty('parent_id');
    expect(child).toMatchObject({
      name: 'echo',
      parent_id: parent?.id,
      arguments: '{"value":"a"}',
      status: 'succeeded',
      result_content: 'echo: a',
    });
    const shown = events.filter(({ type }) => type.startsWith('agentic')) as {
      tool_call_id: string;
      parent_tool_call_id?: string;
      phase?: string;
    }[];
    expect(shown.map(({ tool_call_id, phase }) => [tool_call_id, phase])).toEqual([
      [parent?.id, 'calling'],
      [child?.id, 'calling'],
      [child?.id, undefined],
      [child?.id, 'complete'],
      [parent?.id, 'complete'],
    ]);
    expect(shown.map((event) => event.parent_tool_call_id)).toEqual([
      undefined,
      parent?.id,
      undefined,
      parent?.id,
      undefined,
    ]);
    // The conversation has one call and one result.
    const messages = worker.engine.requests.at(-1)?.messages ?? [];
    expect(messages.filter(({ role }) => role === 'tool')).toHaveLength(1);
  });

  test('is offered only where there are others to call, and the model is told so', async () => {
    const hinted = async (request: CreateRunRequest) => {
      await work(request, says('Done.'));
      const spec = worker.engine.requests.at(-1)?.tools?.find(({ name }) => name === 'code');
      return spec?.description.includes('Code may call.');
    };
    expect(await hinted({ input: 'all' })).toBe(true);
    expect(await hinted({ input: 'alone', enabled_tools: ['code'] })).toBe(false);
  });

  test('asks a person by the same rules while the run keeps running, and its clock stands still', async () => {
    const { runId, asked, approvalId, end } = await asking(
      { input: 'ask' },
      program('ask', async ({ nested, clock }) => {
        const [wall, worked] = [performance.now(), clock.now()];
        const outcome = await nested.call('reach', { value: 'b' });
        return { ...outcome, wallMs: performance.now() - wall, workedMs: clock.now() - worked };
      }),
      says('Done.'),
    );
    const seenAt = performance.now();
    expect(asked[0]).toMatchObject({
      tool_name: 'reach',
      parent_tool_call_id: expect.stringMatching(/^call_/),
    });
    expect(await worker.runs.get(OWNER, runId)).toMatchObject({ state: 'running' });
    expect(await worker.approvals.list(OWNER, { status: 'pending' })).toMatchObject([{ id: approvalId }]);
    expect(done).not.toContain('reach b');
    const waitedMs = performance.now() - seenAt;
    await worker.approvals.decide(OWNER, approvalId, { decision: 'approve' });
    const result: { status: string; wallMs: number; workedMs: number } = CODE_RESULT(await end());
    expect(result).toMatchObject({ status: 'succeeded', content: 'reached b' });
    expect(result.workedMs).toBeLessThan(result.wallMs - waitedMs);
  });

  test('runs what a person made of its arguments, or gives the reason of a denial', async () => {
    const reach = (value: string) => (context: ToolContext) => context.nested.call('reach', { value });
    const edited = await asking({ input: 'edit' }, program('edit', reach('before')), says('Done.'));
    await worker.approvals.decide(OWNER, edited.approvalId, {
      decision: 'approve',
      edited_arguments: { value: 'after' },
    });
    expect(CODE_RESULT(await edited.end())).toMatchObject({ content: 'reached after' });
    const denied = await asking({ input: 'deny' }, program('deny', reach('denied')), says('Done.'));
    await worker.approvals.decide(OWNER, denied.approvalId, { decision: 'deny', message: 'Not today.' });
    expect(CODE_RESULT(await denied.end())).toMatchObject({ status: 'denied', content: 'Not today.' });
    const late = await asking(
      { input: 'late', approval_timeout: 0.05 },
      program('late', reach('late')),
      says('Done.'),
    );
    const events = await late.end();
    expect(CODE_RESULT(events)).toMatchObject({ status: 'denied', content: 'Approval timed out.' });
    expect(ended(events)).toEqual(['reach denied', 'code succeeded']);
    expect(done.filter((entry) => /before|denied|late/.test(entry))).toEqual([]);
  });

  test('is refused with a message that says what to do', async () => {
    const weather = { type: 'function' as const, function: { name: 'weather' } };
    const { events } = await work(
      { input: 'refuse', enabled_tools: ['code', 'echo'], tools: [weather] },
      program('refuse', async ({ nested }) => {
        const said: string[] = [];
        for (const name of ['code', 'weather', 'reach', 'no"such', '__proto__'])
          said.push((await nested.call(name, {})).content);
        let deep: unknown = 1;
        for (let level = 0; level < 20_000; level += 1) deep = [deep];
        said.push((await nested.call('echo', { deep })).content);
        return [...said, await nested.call('echo', { valu: 1 })];
      }),
      says('Done.'),
    );
    expect(CODE_RESULT(events)).toEqual([
      'code cannot be called from code; write a function instead.',
      "weather is the client's own function, which only the model can call.",
      'There is no tool "reach". Code can call: echo.',
      'There is no tool "no\\"such". Code can call: echo.',
      'There is no tool "__proto__". Code can call: echo.',
      'The arguments are nested too deep (64 levels at most).',
      { status: 'failed', content: expect.stringContaining('The arguments do not fit the tool. value:') },
    ]);
    expect(ended(events)).toEqual(['echo failed', 'code succeeded']);
  });

  test("counts among the run's calls, and one call's code has a cap of its own", async () => {
    const flood = (times: number) => async (context: ToolContext) => {
      const outcomes = [];
      for (let i = 0; i < times; i += 1) outcomes.push(await context.nested.call('echo', { value: 'f' }));
      return outcomes.filter(({ status }) => status !== 'succeeded').map(({ content }) => content);
    };
    const budget = await work(
      { input: 'budget', max_tool_calls: 3 },
      program('three', flood(4)),
      says('End.'),
    );
    expect(CODE_RESULT(budget.events)).toEqual([
      'This run has made all of its 3 tool calls.',
      'This run has made all of its 3 tool calls.',
    ]);
    expect(responseOf(budget.events).stop_reason).toBe('budget');
    const cap = await work({ input: 'cap' }, program('cap', flood(102)), says('End.'));
    expect(CODE_RESULT(cap.events)).toHaveLength(2);
    expect(responseOf(cap.events).agentic_tool_calls).toHaveLength(101);
  });

  test('waits its turn when it is serial, and never for the line of the round', async () => {
    done.length = 0;
    programs.set('line', ({ nested }) =>
      Promise.all(['a', 'b', 'c'].map((value) => nested.call('step', { value }))),
    );
    const { events } = await work(
      { input: 'line' },
      code('line', { name: 'step', arguments: { value: 'round' } }),
      says('Done.'),
    );
    expect(done).toEqual(['a', 'b', 'c', 'round'].flatMap((one) => [`${one} begins`, `${one} ends`]));
    expect(responseOf(events).stop_reason).toBe('stop');
  });

  test('ends with its parent: gone on without it, or cancelled', async () => {
    done.length = 0;
    const left = await work(
      { input: 'left' },
      program('left', async ({ nested }) => {
        void nested.call('hang', { value: 'x' });
        void nested.call('reach', { value: 'unasked' });
        await hanging.promise;
        return 'gone on';
      }),
      says('Done.'),
    );
    expect(ended(left.events).at(-1)).toBe('code succeeded');
    expect(new Set(ended(left.events))).toEqual(
      new Set(['hang succeeded', 'reach cancelled', 'code succeeded']),
    );
    expect(done).toEqual(['hang', 'hang aborted']);

    const waits = await asking(
      { input: 'cancel' },
      program('cancel', ({ nested }) => nested.call('reach', { value: 'cancelled' })),
    );
    await worker.runs.cancel(OWNER, { run_id: waits.runId });
    const events = await waits.end();
    expect(ofType(events, 'agentic_tool_approval_resolved')).toMatchObject([{ decision: 'cancelled' }]);
    expect(ended(events)[0]).toBe('reach cancelled');
    expect(responseOf(events).stop_reason).toBe('cancelled');
    const decide = worker.approvals.decide(OWNER, waits.approvalId, { decision: 'approve' });
    await expect(decide).rejects.toMatchObject({ code: 'conflict' });
    expect(done).not.toContain('reach cancelled');
  });
});
