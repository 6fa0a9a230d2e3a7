import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { says } from '../../src/engine/scripted/scripted-turn.js';
import type { GantryEvent } from '../../src/events/event.js';
import type { Tool, ToolContext } from '../../src/tools/tool.js';
import { calling, follow, isDone, ofType, OWNER, responseOf, scriptedTool } from './run-harness.js';
import { RunWorkers } from './run-workers.js';

let workers: RunWorkers;
/** Every time a tool did something, in both workers. */
const done: string[] = [];

beforeEach(async () => {
  workers = await RunWorkers.open();
  done.length = 0;
});

afterEach(() => workers.close());

type Program = (context: ToolContext) => Promise<unknown>;

function toolsWith(program: Program, effect: Tool['effect']): Tool[] {
  const works = (name: string, traits: Partial<Pick<Tool, 'effect' | 'reach'>>) =>
    scriptedTool(name, traits, async (value, { signal, emitOutput }) => {
      done.push(`${name} ${value}`);
      await emitOutput('stdout', value);
      if (value === 'hang')
        await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
      return `${name}: ${value}`;
    });
  return [
    scriptedTool('code', { effect, callingHint: 'Code may call.' }, async (_value, context) => {
      done.push('code');
      return JSON.stringify(await program(context));
    }),
    works('change', { effect: 'effectful' }),
    works('look', { effect: 'pure' }),
    works('reach', { effect: 'effectful', reach: 'network' }),
  ];
}

/**
 * Works a run whose code calls others, up to the event `until`; then its worker counts as dead, and another one,
 * whose database is as a kill -9 at this moment leaves it, takes the run over. The first lives on: whatever it
 * still does must not count.
 */
async function killedAt(
  program: Program,
  until: (event: GantryEvent) => boolean,
  effect: Tool['effect'] = 'effectful',
) {
  const tools = toolsWith(program, effect);
  const first = await workers.start(tools, [calling('code', 'x'), says('Done.')]);
  const { run } = await first.runs.create(OWNER, { input: 'go' });
  const before = await follow(first, run.session_id, until);
  // Either worker may take it now.
  const second = await workers.start(tools, [says('Done.')]);
  await workers.query(`UPDATE runs SET worker_id = 'work_gone' WHERE id = $1`, [run.id]);
  const events = await follow(second, run.session_id, isDone);
  const asked = ofType(before, 'agentic_tool_approval_required')[0]?.approval_id ?? '';
  const requests = [...first.engine.requests, ...second.engine.requests];
  const told = requests.at(-1)?.messages.findLast(({ role }) => role === 'tool')?.content;
  return { run, events, second, asked, told, records: responseOf(events).agentic_tool_calls };
}

const progress = (name: string, phase: 'calling' | 'complete') => (event: GantryEvent) =>
  event.type === 'agentic_tool_call_progress' && event.tool_name === name && event.phase === phase;
const prints = (text: string) => (event: GantryEvent) =>
  event.type === 'agentic_tool_output' && event.text === text;
const asks = (event: GantryEvent) => event.type === 'agentic_tool_approval_required';

const call = (context: ToolContext, name: string, value: string) => context.nested.call(name, { value });
/** Code that goes on until it is stopped. The worker that counts as dead stops it when it gets the run back. */
const untilStopped = ({ signal }: ToolContext) =>
  new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(new Error('stopped')));
  });

describe('a worker that dies while code calls tools', () => {
  test('leaves what ran in doubt, runs none of it again, and the model is told what had been called', async () => {
    const { records, told } = await killedAt(async (context) => {
      await call(context, 'change', 'one');
      void call(context, 'change', 'hang');
      return untilStopped(context);
    }, prints('hang'));
    expect(records.map(({ name, status }) => [name, status])).toEqual([
      ['code', 'in_doubt'],
      ['change', 'succeeded'],
      ['change', 'in_doubt'],
    ]);
    expect(done).toEqual(['code', 'change one', 'change hang']);
    expect(told).toContain('it was not run again');
    expect(told).toContain('Its code had called: change (succeeded), change (in_doubt).');
  });

  test('takes its question with it: nobody can approve what nobody would run', async () => {
    const { records, second, asked, events } = await killedAt(
      (context) => call(context, 'reach', 'far'),
      asks,
    );
    expect(records.map(({ name, status }) => [name, status])).toEqual([
      ['code', 'in_doubt'],
      ['reach', 'cancelled'],
    ]);
    expect(ofType(events, 'agentic_tool_approval_resolved')).toMatchObject([{ decision: 'cancelled' }]);
    const late = second.approvals.decide(OWNER, asked, { decision: 'approve' });
    await expect(late).rejects.toMatchObject({ code: 'conflict' });
    expect(await second.approvals.list(OWNER, { status: 'pending' })).toEqual([]);
    expect(done).toEqual(['code']);
  });

  test('after its last nested call ended, before its own end: nothing runs twice', async () => {
    const { records } = await killedAt(
      async (context) => {
        await call(context, 'change', 'once');
        return untilStopped(context);
      },
      progress('change', 'complete'),
    );
    expect(records.map(({ status }) => status)).toEqual(['in_doubt', 'succeeded']);
    expect(done).toEqual(['code', 'change once']);
  });

  test('runs code again that changes nothing and called nothing that does', async () => {
    let looks = 0;
    const looking = await killedAt(
      async (context) => {
        const outcome = await call(context, 'look', 'around');
        looks += 1;
        return looks === 1 ? untilStopped(context) : outcome.content;
      },
      progress('look', 'complete'),
      'pure',
    );
    expect(looking.records.map(({ name, status }) => [name, status])).toEqual([
      ['code', 'succeeded'],
      ['look', 'succeeded'],
      ['look', 'succeeded'],
    ]);
    expect(looking.told).toBe('"look: around"');
  });

  test('never runs code again that has called what may not be, whatever it says of itself', async () => {
    const changing = await killedAt(
      async (context) => {
        await call(context, 'change', 'it');
        return untilStopped(context);
      },
      progress('change', 'complete'),
      'pure',
    );
    expect(changing.records.map(({ status }) => status)).toEqual(['in_doubt', 'succeeded']);
    expect(done).toEqual(['code', 'change it']);
  });

  test('stops the code of the worker that was taken for dead, and none of its calls begins any more', async () => {
    const go = Promise.withResolvers<void>();
    const stopped = Promise.withResolvers<unknown>();
    await killedAt(
      async (context) => {
        await call(context, 'look', 'first');
        await go.promise;
        const outcome = await call(context, 'change', 'too late');
        stopped.resolve([outcome.status, context.signal.aborted]);
        return outcome;
      },
      progress('look', 'complete'),
    );
    go.resolve();
    expect(await stopped.promise).toEqual(['cancelled', true]);
    expect(done).not.toContain('change too late');
  });
});
