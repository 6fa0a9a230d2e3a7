import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { calls, says } from '../../src/engine/scripted/scripted-turn.js';
import { councilScene } from './council-scene.js';
import {
  calling,
  follow,
  isDone,
  ofType,
  OWNER,
  responseOf,
  scriptedTool,
  workToEnd,
} from './run-harness.js';
import { RunWorkers } from './run-workers.js';

let workers: RunWorkers;
beforeEach(async () => {
  workers = await RunWorkers.open();
});
afterEach(() => workers.close());

const waits = { type: 'wait', until: new Promise(() => undefined) } as const;
const MODEL = 'council:a,b,c';

function start(scene: ReturnType<typeof councilScene>, tools: Parameters<RunWorkers['start']>[0] = []) {
  return workers.start(tools, [], {}, undefined, scene.engineOver);
}

test('a run shows what each expert says, who is chosen, and the answer; the usage is that of all', async () => {
  const scene = councilScene();
  scene.a.enqueue(says('41'));
  scene.b.enqueue({ steps: [{ type: 'text', pieces: ['4', '2'] }] });
  scene.c.enqueue(says('42'));
  const { events } = await workToEnd(await start(scene), {
    input: '6 * 7?',
    model: MODEL,
    council: { strategy: 'vote' },
  });
  expect(ofType(events, 'council_started')).toMatchObject([{ strategy: 'vote', experts: ['a', 'b', 'c'] }]);
  const said = ['', '', ''];
  for (const { expert, delta } of ofType(events, 'expert_chunk')) said[expert] += delta.content ?? '';
  expect(said).toEqual(['41', '42', '42']);
  expect(ofType(events, 'expert_done')).toHaveLength(3);
  expect(ofType(events, 'council_decided')).toMatchObject([{ by: 'vote', chosen: 1, votes: 2 }]);
  const types = events.map(({ type }) => type);
  expect(types.indexOf('council_started')).toBeLessThan(types.indexOf('expert_chunk'));
  expect(types.indexOf('council_decided')).toBeLessThan(types.indexOf('chunk'));
  const response = responseOf(events);
  expect(response.choices[0]?.message.content).toBe('42');
  expect(response.model).toBe(MODEL);
  expect(response.usage).toMatchObject({ prompt_tokens: 3, completion_tokens: 4 });
});

test("the chosen turn's calls run once, and the next round asks the council again", async () => {
  const scene = councilScene();
  const ran: string[] = [];
  const echo = scriptedTool('echo', {}, (value) => {
    ran.push(value);
    return value;
  });
  scene.a.enqueue(calling('echo', 'wrong'), says('Done.'));
  scene.b.enqueue(calling('echo', 'right'), says('done'));
  scene.c.enqueue(calls({ name: 'echo', arguments: { value: 'right' } }), says('Not done.'));
  const { events } = await workToEnd(await start(scene, [echo]), {
    input: 'Echo.',
    model: MODEL,
    council: { strategy: 'vote' },
  });
  expect(ran).toEqual(['right']);
  expect(responseOf(events).choices[0]?.message.content).toBe('Done.');
  expect(responseOf(events).agentic_tool_calls).toHaveLength(1);
  expect(ofType(events, 'council_started').map(({ round }) => round)).toEqual([0, 1]);
  expect(scene.a.requests[1]?.messages.at(-1)).toMatchObject({ role: 'tool', content: 'right' });
});

describe('a killed worker', () => {
  test('leaves no half answer of an expert in the conversation: the next one asks them all again', async () => {
    const before = councilScene();
    for (const engine of [before.a, before.b, before.c]) {
      engine.enqueue({ steps: [{ type: 'text', pieces: ['Half an '] }, waits] });
    }
    const first = await start(before);
    const { run } = await first.runs.create(OWNER, { input: '6 * 7?', model: MODEL });
    await follow(first, run.session_id, (event) => event.type === 'expert_chunk' && event.expert === 2);
    await workers.stop(first);
    const after = councilScene();
    for (const engine of [after.a, after.b, after.c]) engine.enqueue(says('42'));
    const second = await start(after);
    const events = await follow(second, run.session_id, isDone);
    expect(after.a.requests[0]?.messages.map(({ content }) => content)).not.toContain('Half an ');
    expect(after.a.requests[0]?.continueFrom).toBeUndefined();
    expect(responseOf(events).choices[0]?.message.content).toBe('42');
    expect(ofType(events, 'council_started')).toHaveLength(2);
    expect(ofType(events, 'council_decided')).toMatchObject([{ by: 'unanimous' }]);
  });

  test('while an answer is merged, takes it back: another merge would be another text', async () => {
    const council = { strategy: 'merge' as const, judge: 'c' };
    const before = councilScene();
    before.a.enqueue(says('41'));
    before.b.enqueue(says('42'));
    before.c.enqueue({ steps: [{ type: 'text', pieces: ['It is '] }, waits] });
    const first = await start(before);
    const { run } = await first.runs.create(OWNER, { input: '6 * 7?', model: 'council:a,b', council });
    await follow(first, run.session_id, (event) => event.type === 'chunk');
    await workers.stop(first);
    const after = councilScene();
    after.a.enqueue(says('41'));
    after.b.enqueue(says('42'));
    after.c.enqueue(says('Forty-two.'));
    const events = await follow(await start(after), run.session_id, isDone);
    expect(ofType(events, 'stream_reset')).toMatchObject([
      { to_offset: 0, cause: 'resumed_from_checkpoint' },
    ]);
    expect(responseOf(events).choices[0]?.message.content).toBe('Forty-two.');
  });
});

test('a cancel stops all experts', async () => {
  const scene = councilScene();
  for (const engine of [scene.a, scene.b, scene.c]) {
    engine.enqueue({ steps: [{ type: 'text', pieces: ['Hm'] }, waits] });
  }
  const worker = await start(scene);
  const { run } = await worker.runs.create(OWNER, { input: '6 * 7?', model: MODEL });
  await follow(worker, run.session_id, (event) => event.type === 'expert_chunk' && event.expert === 2);
  await worker.runs.cancel(OWNER, { run_id: run.id });
  const events = await follow(worker, run.session_id, isDone);
  expect(responseOf(events)).toMatchObject({ stop_reason: 'cancelled' });
});

describe('what cannot be is refused before anything starts', () => {
  test.each([
    [{ model: 'council:a,nobody' }, 'not_found', 'model', /"nobody"/],
    [{ model: 'council:a' }, 'invalid_request', 'model', /2 to 8/],
    [{ model: 'a', council: { strategy: 'vote' } }, 'invalid_request', 'council', /council:a,b,c/],
    [{ model: MODEL, council: { strategy: 'vote', judge: 'a' } }, 'invalid_request', 'council.judge', /vote/],
    [{ model: MODEL, council: { judge: 'nobody' } }, 'not_found', 'council.judge', /"nobody"/],
    [{ model: MODEL, logprobs: true }, 'invalid_request', 'logprobs', /one model/],
  ] as const)('%j', async (options, code, param, message) => {
    const worker = await start(councilScene());
    await expect(worker.runs.create(OWNER, { input: 'x', ...options })).rejects.toMatchObject({
      code,
      param,
      message: expect.stringMatching(message) as string,
    });
  });
});
