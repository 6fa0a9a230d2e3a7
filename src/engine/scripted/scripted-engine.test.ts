import { describe, expect, test } from 'vitest';
import {
  collect,
  describeEngineConformance,
  textOf,
  type Scenario,
} from '../../../test/integration/engine-conformance.js';
import { EngineError } from '../engine-error.js';
import type { GenerateRequest } from '../engine.js';
import { createScriptedEngine } from './scripted-engine.js';
import { calls, says, type ScriptedTurn } from './scripted-turn.js';

const request: GenerateRequest = {
  sessionId: 'session-a',
  messages: [{ role: 'user', content: 'Hello' }],
  tools: [],
  sampling: {},
};
const never = new AbortController().signal;

const SCENARIOS: Record<Scenario, ScriptedTurn> = {
  text: { steps: [{ type: 'text', pieces: ['Hello', ' you.'] }] },
  reasoning: {
    steps: [
      { type: 'reasoning', pieces: ['Let me', ' see.'] },
      { type: 'text', pieces: ['Yes.'] },
    ],
  },
  call: calls({ name: 'python', arguments: { code: 'print(1234 * 567)' } }),
  long: {
    steps: [
      { type: 'text', pieces: ['One'] },
      { type: 'wait', until: new Promise(() => undefined) },
    ],
  },
};

describeEngineConformance('the scripted engine', () => {
  const engine = createScriptedEngine();
  return Promise.resolve({
    engine,
    request: (scenario) => {
      engine.enqueue(SCENARIOS[scenario]);
      return request;
    },
  });
});

describe('createScriptedEngine', () => {
  test('keeps each request as it was, frozen', async () => {
    const engine = createScriptedEngine([says('One.')]);
    const messages = [{ role: 'user' as const, content: 'first' }];
    await collect(engine.generate({ ...request, messages }, never));
    messages.push({ role: 'user', content: 'later' });
    expect(engine.requests[0]?.messages).toHaveLength(1);
    expect(Object.isFrozen(engine.requests[0]?.messages[0])).toBe(true);
  });

  test('fails at the point that the script says, with what came before', async () => {
    const error = new EngineError('stream_interrupted', 'gone', { interruption: 'engine_crash' });
    const engine = createScriptedEngine([
      {
        steps: [
          { type: 'text', pieces: ['Half'] },
          { type: 'broken_call', name: 'python', arguments: '{"co' },
          { type: 'fail', error },
        ],
      },
    ]);
    const events = await collect(engine.generate(request, never));
    expect(events.at(-1)).toEqual({
      type: 'error',
      error,
      received: {
        text: 'Half',
        reasoning: '',
        completeCalls: [],
        callInFlight: { id: 'call_scripted_1', name: 'python', arguments: '{"co' },
      },
    });
  });

  test('goes on only when the gate opens', async () => {
    const gate = Promise.withResolvers<void>();
    const engine = createScriptedEngine([
      {
        steps: [
          { type: 'text', pieces: ['a'] },
          { type: 'wait', until: gate.promise },
          { type: 'text', pieces: ['b'] },
        ],
      },
    ]);
    const seen: string[] = [];
    for await (const event of engine.generate(request, never)) {
      seen.push(event.type);
      if (event.type === 'content_block_stop') gate.resolve();
    }
    expect(seen.filter((type) => type === 'text_delta')).toHaveLength(2);
  });

  test('a request beyond the script is an error', async () => {
    const events = await collect(createScriptedEngine().generate(request, never));
    expect(events).toMatchObject([{ type: 'error', error: { code: 'invalid_request' } }]);
    expect(textOf(events)).toBe('');
  });
});
