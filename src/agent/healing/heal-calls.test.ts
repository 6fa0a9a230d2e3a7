import { describe, expect, test } from 'vitest';
import type { EngineEvent, GenerateRequest } from '../../engine/engine.js';
import { EngineError } from '../../engine/engine-error.js';
import { createScriptedEngine } from '../../engine/scripted/scripted-engine.js';
import type { ScriptedStep, ScriptedTurn } from '../../engine/scripted/scripted-turn.js';
import { healCalls } from './heal-calls.js';
import { CODE, TOOLS } from './written.fixture.js';

const CALL = `<tool_call>{"name": "python", "arguments": ${JSON.stringify(CODE)}}</tool_call>`;
const request: GenerateRequest = { sessionId: 's', messages: [], tools: TOOLS, sampling: {} };

async function heal(
  turn: ScriptedTurn,
  change: Partial<GenerateRequest> = {},
  abandoned = new AbortController().signal,
): Promise<EngineEvent[]> {
  const events = createScriptedEngine([turn]).generate(request, new AbortController().signal);
  const all: EngineEvent[] = [];
  for await (const event of healCalls(events, { ...request, ...change }, abandoned)) all.push(event);
  return all;
}

function text(...pieces: string[]): ScriptedStep {
  return { type: 'text', pieces };
}

function shape(events: readonly EngineEvent[]): string[] {
  return events.map((event) => {
    if (event.type === 'text_delta' || event.type === 'reasoning_delta') return `${event.type} ${event.text}`;
    if (event.type === 'content_block_stop') return `end of ${event.block}`;
    return event.type === 'stop' ? `stop: ${event.reason}` : event.type;
  });
}

function said(events: readonly EngineEvent[]): string {
  return events.flatMap((event) => (event.type === 'text_delta' ? [event.text] : [])).join('');
}

const CALL_EVENTS = ['tool_call_start', 'tool_call_delta', 'end of tool_call'];

describe('healCalls', () => {
  test('makes the events of a call of its own, between those of the text around it', async () => {
    const events = await heal({ steps: [text('So: ', CALL.slice(0, 30), `${CALL.slice(30)} Done`, '.')] });
    expect(shape(events)).toEqual([
      'text_delta So: ',
      'end of text',
      ...CALL_EVENTS,
      'text_delta  Done',
      'text_delta .',
      'end of text',
      'usage',
      'stop: tool_calls',
    ]);
    const [start, delta] = events.filter((event) => event.type.startsWith('tool_call'));
    const id = start?.type === 'tool_call_start' ? start.id : '';
    expect(id).toMatch(/^call_[0-9a-f]{32}$/);
    expect(delta).toEqual({ type: 'tool_call_delta', id, arguments: JSON.stringify(CODE) });
    expect(events.at(-1)).toMatchObject({
      message: {
        text: 'So:  Done.',
        completeCalls: [{ id, name: 'python', arguments: JSON.stringify(CODE) }],
      },
    });
  });

  test('two calls have two ids', async () => {
    const events = await heal({ steps: [text(CALL + CALL)] });
    const ids = events.flatMap((event) => (event.type === 'tool_call_start' ? [event.id] : []));
    expect(new Set(ids).size).toBe(2);
  });

  test('held text comes before the usage, and the block ends after it', async () => {
    expect(shape(await heal({ steps: [text('a ', '<tool')] }))).toEqual([
      'text_delta a ',
      'text_delta <tool',
      'end of text',
      'usage',
      'stop: stop',
    ]);
  });

  test('thoughts pass, whatever they say', async () => {
    const events = await heal({ steps: [{ type: 'reasoning', pieces: [CALL] }, text('Yes.')] });
    expect(shape(events)).toEqual([
      `reasoning_delta ${CALL}`,
      'end of reasoning',
      'text_delta Yes.',
      'end of text',
      'usage',
      'stop: stop',
    ]);
  });

  test("once the engine makes a call itself, a written one is text, the same call's too", async () => {
    const native: ScriptedStep = { type: 'call', name: 'python', arguments: JSON.stringify(CODE) };
    const events = await heal({ steps: [text('a <tool_call>{'), native, text(CALL)] });
    expect(shape(events)).toEqual([
      'text_delta a ',
      'text_delta <tool_call>{',
      'end of text',
      ...CALL_EVENTS,
      `text_delta ${CALL}`,
      'end of text',
      'usage',
      'stop: tool_calls',
    ]);
  });

  test('a turn that was cut gives back what it held', async () => {
    const events = await heal({ steps: [text('a ', CALL.slice(0, -15))], stop: 'length' });
    expect(events.at(-1)).toMatchObject({ reason: 'length', message: { text: `a ${CALL.slice(0, -15)}` } });
  });

  test('what is held when the turn breaks or is let go is not shown: it is made again', async () => {
    const half = text('a ', CALL.slice(0, 30));
    const error = new EngineError('stream_interrupted', 'gone');
    const broken = await heal({ steps: [half, { type: 'fail', error }] });
    expect(broken.at(-1)).toMatchObject({ type: 'error', error, received: { text: 'a ' } });
    const letGo = await heal({ steps: [half], stop: 'cancelled' }, {}, AbortSignal.abort());
    expect(letGo.at(-1)).toMatchObject({ reason: 'cancelled', message: { text: 'a ' } });
    const outOfTime = await heal({ steps: [half], stop: 'cancelled' });
    expect(outOfTime.at(-1)).toMatchObject({ message: { text: `a ${CALL.slice(0, 30)}` } });
  });

  test('what a turn goes on from counts, and is not said again', async () => {
    const inCode = { continueFrom: { text: 'Write\n```\n', reasoning: '' } };
    expect(said(await heal({ steps: [text(CALL)] }, inCode))).toBe(CALL);
    const inHalfCall = { continueFrom: { text: CALL.slice(0, 30), reasoning: '' } };
    expect(said(await heal({ steps: [text(CALL.slice(30))] }, inHalfCall))).toBe(CALL.slice(30));
    const inText = { continueFrom: { text: 'Well, ', reasoning: '' } };
    expect(shape(await heal({ steps: [text(CALL)] }, inText)).slice(0, 3)).toEqual(CALL_EVENTS);
  });

  test('without parallel calls, one is made', async () => {
    const events = await heal({ steps: [text(CALL + CALL)] }, { parallelToolCalls: false });
    expect(shape(events).slice(0, 4)).toEqual([...CALL_EVENTS, `text_delta ${CALL}`]);
  });
});

test('keeps the tokens of text with it, and drops those of calls', async () => {
  const token = (piece: string) => ({
    token: piece,
    logprob: -1,
    bytes: [...Buffer.from(piece)],
    top_logprobs: [],
  });
  async function* said(): AsyncGenerator<EngineEvent> {
    for (const piece of ['So', ': ', CALL.slice(0, 20), `${CALL.slice(20)} Do`, 'ne.']) {
      yield { type: 'text_delta', text: piece, logprobs: [token(piece)] };
    }
    await Promise.resolve();
    yield { type: 'stop', reason: 'stop', message: { text: '', reasoning: '', completeCalls: [] } };
  }
  const told: string[] = [];
  const asked = { ...request, topLogprobs: 0 };
  for await (const event of healCalls(said(), asked, new AbortController().signal)) {
    if (event.type === 'text_delta') told.push(...(event.logprobs ?? []).map((one) => one.token));
  }
  expect(told).toEqual(['So', ': ', `${CALL.slice(20)} Do`, 'ne.']);
});
