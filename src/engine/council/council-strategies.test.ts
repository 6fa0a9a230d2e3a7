import { expect, test } from 'vitest';
import { textOf } from '../../../test/integration/engine-conformance.js';
import { EngineError } from '../engine-error.js';
import { calls, says } from '../scripted/scripted-turn.js';
import { forever, ofType, scene } from './council-scene.fixture.js';

const lights = (room: string) => ({ name: 'lights', arguments: { room, on: true } });

test('first: the first usable turn is the answer, and the others are stopped', async () => {
  const { ask, a, b, c } = scene();
  a.enqueue({ steps: [{ type: 'text', pieces: ['Well, '] }, forever] });
  b.enqueue({ steps: [{ type: 'text', pieces: ['4', '2'] }] });
  c.enqueue({ steps: [forever] });
  const events = await ask({ strategy: 'first' });
  expect(textOf(events)).toBe('42');
  expect(events.at(-1)).toMatchObject({ type: 'stop', reason: 'stop', message: { text: '42' } });
  expect(ofType(events, 'council_decided')).toEqual([{ type: 'council_decided', by: 'first', chosen: 1 }]);
  const done = ofType(events, 'expert_done');
  expect(new Set(done.map(({ expert }) => expert))).toEqual(new Set([0, 1, 2]));
  expect(done.filter(({ error }) => error?.code === 'cancelled')).toHaveLength(2);
});

test('first: a turn that says nothing does not win', async () => {
  const { ask, a, b, c } = scene();
  a.enqueue({ steps: [] });
  b.enqueue(says('  \n'));
  c.enqueue({
    steps: [
      { type: 'wait', until: Promise.resolve() },
      { type: 'text', pieces: ['42'] },
    ],
  });
  expect(textOf(await ask({ strategy: 'first' }))).toBe('42');
});

test('vote: what most say is the answer, whatever its case, spaces and full stop', async () => {
  const { ask, a, b, c } = scene();
  a.enqueue(says('41'));
  b.enqueue(says('It is  42.'));
  c.enqueue(says('it is 42'));
  const events = await ask({ strategy: 'vote' });
  expect(textOf(events)).toBe('It is  42.');
  expect(ofType(events, 'council_decided')).toEqual([
    { type: 'council_decided', by: 'vote', chosen: 1, votes: 2 },
  ]);
});

test('vote: calls agree by name and canonical arguments, and those of the chosen turn are made once', async () => {
  const { ask, a, b, c } = scene();
  a.enqueue(calls(lights('hall')));
  b.enqueue(calls(lights('kitchen')));
  c.enqueue(calls({ name: 'lights', arguments: { on: true, room: 'kitchen' } }));
  const events = await ask({ strategy: 'vote' });
  expect(ofType(events, 'tool_call_start')).toHaveLength(1);
  expect(events.at(-1)).toMatchObject({
    type: 'stop',
    reason: 'tool_calls',
    message: { completeCalls: [{ name: 'lights', arguments: '{"room":"kitchen","on":true}' }] },
  });
});

test('vote: once nobody can change it any more, the others are not waited for', async () => {
  const { ask, a, b, c } = scene();
  a.enqueue(says('42'));
  b.enqueue({ steps: [forever] });
  c.enqueue(says('42'));
  const events = await ask({ strategy: 'vote', expertTimeoutMs: 600_000 });
  expect(textOf(events)).toBe('42');
  expect(ofType(events, 'council_decided')).toMatchObject([{ by: 'vote', votes: 2 }]);
});

test('judge: a model chooses among numbered answers, and only its own reply counts', async () => {
  const { ask, a, b, c, j } = scene();
  a.enqueue(says('41'));
  b.enqueue(says('{"choice": 2}'));
  c.enqueue(says('42'));
  j.enqueue(says('{"choice":3}'));
  const events = await ask({ strategy: 'judge' });
  expect(textOf(events)).toBe('42');
  expect(ofType(events, 'council_decided')).toEqual([{ type: 'council_decided', by: 'judge', chosen: 2 }]);
  expect(j.requests[0]).toMatchObject({
    tools: [],
    sampling: { temperature: 0 },
    responseFormat: { type: 'json', schema: { properties: { choice: { enum: [1, 2, 3] } } } },
  });
});

test('judge: a number stands for the place after shuffling', async () => {
  const { ask, a, b, c, j } = scene(() => 0);
  a.enqueue(says('one'));
  b.enqueue(says('two'));
  c.enqueue(says('three'));
  j.enqueue(says('{"choice":1}'));
  // With 0 each time, Fisher and Yates turns a, b, c into b, c, a.
  expect(textOf(await ask({ strategy: 'judge' }))).toBe('two');
});

test('judge: nobody judges what all agree on, or a single answer', async () => {
  const { ask, a, b, c, j } = scene();
  for (const engine of [a, b, c]) engine.enqueue(says('42'));
  expect(ofType(await ask({ strategy: 'judge' }), 'council_decided')).toMatchObject([{ by: 'unanimous' }]);
  const error = new EngineError('provider', 'Gone.');
  a.enqueue({ steps: [{ type: 'fail', error }] });
  b.enqueue(says('42'));
  c.enqueue({ steps: [{ type: 'fail', error }] });
  expect(ofType(await ask({ strategy: 'judge' }), 'council_decided')).toMatchObject([{ by: 'only_answer' }]);
  expect(j.requests).toHaveLength(0);
});

test.each([
  ['a number that is none of theirs', says('{"choice":4}')],
  ['no JSON', says('The second.')],
  ['more than the choice', says('{"choice":1,"and":2}')],
  ['a failure', { steps: [{ type: 'fail' as const, error: new EngineError('provider', 'Gone.') }] }],
])('judge: %s leaves it to the vote, and says so', async (_what, reply) => {
  const { ask, a, b, c, j } = scene();
  a.enqueue(says('41'));
  b.enqueue(says('42'));
  c.enqueue(says('42'));
  j.enqueue(reply);
  const events = await ask({ strategy: 'judge' });
  expect(textOf(events)).toBe('42');
  expect(ofType(events, 'council_decided')).toMatchObject([
    { by: 'vote', chosen: 1, votes: 2, judgeError: { code: 'provider' } },
  ]);
});

test('merge: the answer is written anew and streamed as it is written', async () => {
  const { ask, a, b, c, j } = scene();
  a.enqueue(says('It is 42.'));
  b.enqueue(says('Forty-two, I think.'));
  c.enqueue(says('42 = 6 * 7'));
  j.enqueue({ steps: [{ type: 'text', pieces: ['It is 42, ', 'since 6 * 7 = 42.'] }] });
  const events = await ask({ strategy: 'merge' });
  expect(ofType(events, 'text_delta')).toHaveLength(2);
  expect(ofType(events, 'council_decided')).toEqual([{ type: 'council_decided', by: 'merge' }]);
  expect(events.at(-1)).toMatchObject({ type: 'stop', message: { text: 'It is 42, since 6 * 7 = 42.' } });
});

test('merge: calls are not merged but chosen', async () => {
  const { ask, a, b, c, j } = scene();
  a.enqueue(calls(lights('hall')));
  b.enqueue(says('Which room?'));
  c.enqueue(calls(lights('kitchen')));
  j.enqueue(says('{"choice":3}'));
  const events = await ask({ strategy: 'merge' });
  expect(events.at(-1)).toMatchObject({ message: { completeCalls: [{ arguments: /kitchen/ }] } });
});

test('merge: who fails before the first word leaves it to the vote; after it the turn fails', async () => {
  const error = new EngineError('stream_interrupted', 'Gone.');
  const { ask, a, b, c, j } = scene();
  const answer = () => {
    a.enqueue(says('41'));
    b.enqueue(says('42'));
    c.enqueue(says('42'));
  };
  answer();
  j.enqueue({ steps: [{ type: 'fail', error }] });
  const early = await ask({ strategy: 'merge' });
  expect(textOf(early)).toBe('42');
  expect(ofType(early, 'council_decided')).toMatchObject([{ by: 'vote', judgeError: { code: error.code } }]);
  answer();
  j.enqueue({
    steps: [
      { type: 'text', pieces: ['It '] },
      { type: 'fail', error },
    ],
  });
  const late = await ask({ strategy: 'merge' });
  expect(late.at(-1)).toMatchObject({
    type: 'error',
    error: { code: error.code },
    received: { text: 'It ' },
  });
});
