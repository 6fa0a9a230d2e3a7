import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { GenerateRequest } from '../../src/engine/engine.js';
import { EngineError } from '../../src/engine/engine-error.js';
import { calls, type ScriptedTurn } from '../../src/engine/scripted/scripted-turn.js';
import { createOpenAiEngine } from '../../src/engine/openai/openai-engine.js';
import { collect, describeEngineConformance, textOf, type Scenario } from './engine-conformance.js';
import { startScriptedServer, type ScriptedServer } from './scripted-server.js';

const PYTHON = {
  name: 'python',
  description: 'Runs code.',
  parameters: { type: 'object', properties: { code: { type: 'string' } } },
};

const REQUEST: GenerateRequest = {
  sessionId: 'session-a',
  messages: [{ role: 'user', content: 'What is 1234 * 567?' }],
  tools: [PYTHON],
  sampling: {},
};

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

function engineOn({ url, keys }: ScriptedServer) {
  return createOpenAiEngine({ model: `openai:${url}/v1`, key: keys.alice, contextSize: 'auto', parallel: 4 });
}

let server: ScriptedServer;
beforeAll(async () => {
  server = await startScriptedServer();
});
afterAll(() => server.close());

describeEngineConformance('the HTTP engine on Gantry', () =>
  Promise.resolve({
    engine: engineOn(server),
    request: (scenario) => {
      server.engine.clear();
      server.engine.enqueue(SCENARIOS[scenario]);
      return REQUEST;
    },
  }),
);

describe('Gantry on Gantry', () => {
  test('knows what it speaks with, and its context', async () => {
    const engine = engineOn(server);
    await engine.capabilities();
    expect(engine.status()).toMatchObject({ state: 'remote', kind: 'gantry', contextFrom: 'server' });
    await engine.close();
  });

  test('calls, results and thoughts arrive as they were', async () => {
    const engine = engineOn(server);
    server.engine.clear();
    server.engine.enqueue(SCENARIOS.text);
    await collect(
      engine.generate(
        {
          ...REQUEST,
          messages: [
            ...REQUEST.messages,
            {
              role: 'assistant',
              content: '',
              reasoning: 'By code.',
              toolCalls: [{ id: 'call_a', name: 'python', arguments: '{"code":"1"}' }],
            },
            { role: 'tool', toolCallId: 'call_a', name: 'python', content: '699678' },
          ],
        },
        new AbortController().signal,
      ),
    );
    expect(server.engine.requests.at(-1)?.messages.slice(-2)).toMatchObject([
      {
        role: 'assistant',
        reasoning: 'By code.',
        toolCalls: [{ name: 'python', arguments: '{"code":"1"}' }],
      },
      { role: 'tool', content: '699678' },
    ]);
    await engine.close();
  });

  test('an error of the model behind it keeps its kind', async () => {
    const engine = engineOn(server);
    const error = new EngineError('context_overflow', 'The prompt exceeds the context window.');
    server.engine.clear();
    server.engine.enqueue({ steps: [{ type: 'fail', error }] });
    const events = await collect(engine.generate(REQUEST, new AbortController().signal));
    expect(textOf(events)).toBe('');
    expect(events.at(-1)).toMatchObject({ type: 'error', error: { code: 'context_overflow' } });
    await engine.close();
  });
});
