import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { EngineError } from '../../engine/engine-error.js';
import type { ChatMessage, Engine } from '../../engine/engine.js';
import { createScriptedEngine } from '../../engine/scripted/scripted-engine.js';
import { says, type ScriptedTurn } from '../../engine/scripted/scripted-turn.js';
import type { RunOptions } from '../../runs/run-request.js';
import type { Compaction, RunPorts } from '../ports.js';
import { snapshotOf } from '../snapshot.fixture.js';
import type { RunSnapshot } from '../snapshot.js';
import { type ContextMark, WHOLE_CONTEXT } from './context-mark.js';
import { asked, countTokens, round, splitPairs, SYSTEM, turn } from './conversation.fixture.js';
import { makeRoom, type Room } from './make-room.js';

const WINDOW = 1000;

interface Scene {
  readonly context?: ContextMark;
  readonly messages: readonly ChatMessage[];
  readonly options?: RunOptions;
  readonly script?: readonly ScriptedTurn[];
  readonly signal?: AbortSignal;
}

/** Makes room until it fits or cannot, as the loop does. */
async function work({
  messages,
  context = WHOLE_CONTEXT,
  options = {},
  script = [],
  signal = new AbortController().signal,
}: Scene) {
  const scripted = createScriptedEngine(script);
  const engine: Engine = {
    generate: (request, stop) => scripted.generate(request, stop),
    embed: (request, stop) => scripted.embed(request, stop),
    rank: (request, stop) => scripted.rank(request, stop),
    count: (request) => Promise.resolve(countTokens(request.messages)),
    capabilities: async () => ({ ...(await scripted.capabilities()), contextSize: WINDOW }),
    status: () => scripted.status(),
    close: () => scripted.close(),
  };
  const compactions: Compaction[] = [];
  const journal = { compact: (one: Compaction) => Promise.resolve(void compactions.push(one)) };
  const ports = {
    engine,
    journal,
    tools: { specs: () => [] },
    now: () => 0,
    pause: () => Promise.resolve(),
    random: () => 0,
  } as unknown as RunPorts;
  const turnStart = messages.findLastIndex(({ role }) => role === 'user');
  let snapshot: RunSnapshot = snapshotOf({ messages, options, turnStart, context });
  let room: Room;
  for (;;) {
    room = await makeRoom(ports, snapshot, { withTools: true, timeMs: undefined, signal });
    const last = compactions.at(-1);
    if (room.type !== 'compacted' || last === undefined) break;
    snapshot = { ...snapshot, context: last.mark, usage: last.usage };
  }
  return { room, compactions, requests: scripted.requests };
}

const events = (compactions: readonly Compaction[]) => compactions.map(({ event }) => event);
const shownIn = (room: Room) => (room.type === 'fits' ? room.messages : []);

/** Ten turns of about a hundred tokens each. */
const history = [
  SYSTEM,
  ...Array.from({ length: 10 }, (_, n) => turn(`${n}`, 'r'.repeat(300))).flat(),
  asked('now'),
];
const talk = [
  SYSTEM,
  ...Array.from({ length: 10 }, (_, n) => [
    asked(`${'q'.repeat(300)} ${n}`),
    { role: 'assistant' as const, content: 'yes', toolCalls: [] },
  ]).flat(),
  asked('now'),
];

describe('makeRoom', () => {
  test('leaves alone what fits', async () => {
    const messages = [SYSTEM, ...turn('1', 'result'), asked('now')];
    const { room, compactions } = await work({ messages });
    expect(shownIn(room)).toEqual(messages);
    expect(compactions).toEqual([]);
  });

  test('trims old results where that is enough', async () => {
    const { room, compactions } = await work({ messages: history });
    expect(shownIn(room)).toHaveLength(history.length);
    expect(events(compactions)).toMatchObject([
      { turns_summarised: 0, turns_dropped: 0, summary: null, budget: 750 },
    ]);
    expect(compactions[0]?.event.results_trimmed).toBeGreaterThan(5);
    expect(compactions[0]?.event.tokens_after).toBeLessThanOrEqual(375);
  });

  test('has the model summarise old turns, without tools, and counts what that cost', async () => {
    const { room, compactions, requests } = await work({ messages: talk, script: [says('They said q.')] });
    expect(requests).toHaveLength(1);
    expect(requests[0]).toMatchObject({
      tools: [],
      sessionId: 'sess_1',
      owner: 'owner',
      sampling: { maxTokens: 93 },
    });
    expect(requests[0]?.messages[1]?.content).toContain('User: qqq');
    const [compaction] = compactions;
    expect(compaction?.event).toMatchObject({ summary: 'They said q.', turns_dropped: 0 });
    expect(compaction?.event.turns_summarised).toBeGreaterThan(5);
    expect(compaction?.usage.completion_tokens).toBe(1);
    expect(JSON.stringify(shownIn(room)[2])).toContain('They said q.');
    expect(shownIn(room).at(-1)).toEqual(asked('now'));
  });

  test('a summary grows from the one before', async () => {
    const first = await work({ messages: talk, script: [says('First part.')] });
    const context = first.compactions[0]?.mark ?? WHOLE_CONTEXT;
    const more = talk
      .slice(1)
      .map((message) => ({ ...message, content: message.content.replaceAll('q', 'p') }));
    const { compactions, requests } = await work({
      messages: [...talk, ...more],
      context,
      script: [says('Both parts.')],
    });
    const prompt = requests[0]?.messages[1]?.content ?? '';
    expect(prompt).toContain('The summary so far:\nFirst part.');
    expect(prompt).toContain('User: ppp');
    expect(prompt).not.toContain('q 0');
    expect(compactions[0]?.mark).toMatchObject({ summary: 'Both parts.' });
  });

  test('the summary that there was is kept where no new one is made', async () => {
    const context = { ...WHOLE_CONTEXT, from: 3, summary: 'First part.' };
    const [shorter, failing] = [
      { options: { context_overflow: 'truncate' as const } },
      { script: [{ ...says('On and on'), stop: 'length' as const }] },
    ];
    for (const scene of [shorter, failing]) {
      const { room, compactions } = await work({ messages: talk, context, ...scene });
      expect(compactions[0]?.event).toMatchObject({ summary: null, turns_summarised: 0 });
      expect(shownIn(room)[2]).toMatchObject({ role: 'assistant', content: 'First part.' });
    }
  });

  test.each([
    ['is too long', { ...says('On and on'), stop: 'length' as const }, 'too long'],
    ['is empty', says(''), 'no summary'],
    [
      'fails',
      { steps: [{ type: 'fail' as const, error: new EngineError('invalid_request', 'No.') }] },
      'No.',
    ],
  ])(
    'a summary that %s is done without: the turns are dropped, and that is said',
    async (_what, script, reason) => {
      const { room, compactions } = await work({ messages: talk, script: [script] });
      expect(room.type).toBe('fits');
      expect(compactions[0]?.event).toMatchObject({ summary: null, turns_summarised: 0 });
      expect(compactions[0]?.event.turns_dropped).toBeGreaterThan(5);
      expect(compactions[0]?.event.summary_error).toContain(reason);
    },
  );

  test('a summary is tried again when the engine failed in a way that may pass', async () => {
    const broken = { steps: [{ type: 'fail' as const, error: new EngineError('overloaded', 'Busy.') }] };
    const { compactions } = await work({ messages: talk, script: [broken, broken, says('At last.')] });
    expect(compactions[0]?.event).toMatchObject({ summary: 'At last.' });
  });

  test('truncate drops old turns and asks the model nothing', async () => {
    for (const options of [{ context_overflow: 'truncate' }, { truncation: 'auto' }] as const) {
      const { compactions, requests } = await work({ messages: talk, options });
      expect(requests).toEqual([]);
      expect(compactions[0]?.event).toMatchObject({ summary: null, turns_summarised: 0 });
      expect(compactions[0]?.event).not.toHaveProperty('summary_error');
      expect(compactions[0]?.event.turns_dropped).toBeGreaterThan(5);
    }
  });

  test('error fails with the counts and changes nothing', async () => {
    for (const options of [{ context_overflow: 'error' }, { truncation: 'disabled' }] as const) {
      const messages = [...talk, ...talk.slice(1)];
      const { room, compactions } = await work({ messages, options });
      expect(compactions).toEqual([]);
      expect(room).toMatchObject({
        type: 'failed',
        error: {
          code: 'context_overflow',
          context: { promptTokens: countTokens(messages), answerTokens: 62, contextSize: WINDOW },
        },
      });
    }
  });

  test('keeps as much free as the request may answer, up to half of the window', async () => {
    const messages = [SYSTEM, ...turn('1', 'r'.repeat(1600)), asked('now')];
    expect(countTokens(messages)).toBeGreaterThan(400);
    for (const [maxTokens, compacted] of [
      [10, 0],
      [500, 0],
      [700, 0],
    ] as const) {
      const { compactions } = await work({ messages, options: { max_tokens: maxTokens } });
      expect(compactions).toHaveLength(compacted);
    }
    const more = [SYSTEM, ...turn('1', 'r'.repeat(2400)), asked('now')];
    expect((await work({ messages: more, options: { max_tokens: 10 } })).compactions).toHaveLength(0);
    expect((await work({ messages: more, options: { max_tokens: 700 } })).compactions).toHaveLength(1);
  });

  test('a message that cannot fit is refused with what to do about it', async () => {
    const { room } = await work({ messages: [SYSTEM, ...turn('1', 'r'), asked('m'.repeat(8000))] });
    expect(room).toMatchObject({
      type: 'failed',
      error: { code: 'context_overflow', context: { contextSize: WINDOW } },
    });
    if (room.type !== 'failed') throw new Error('It fitted.');
    expect(room.error.message).toMatch(/Shorten it by 10\d\d tokens/);
  });

  test('a long turn goes on: its older results are trimmed, then its older rounds left out', async () => {
    const rounds = Array.from({ length: 60 }, (_, n) => round(`r${n}`, 'r'.repeat(400))).flat();
    const messages = [SYSTEM, ...talk.slice(1, 5), asked('a long task'), ...rounds];
    const { room, compactions } = await work({ messages, script: [says('Much was done.')] });
    expect(splitPairs(shownIn(room))).toEqual([]);
    expect(shownIn(room)).toContainEqual(asked('a long task'));
    expect(shownIn(room).at(-1)).toMatchObject({ role: 'tool', content: 'r'.repeat(400) });
    expect(compactions[0]?.event.rounds_summarised).toBeGreaterThan(10);
    expect(compactions).toHaveLength(1);
  });

  test('an abort in the summary commits nothing', async () => {
    const stop = new AbortController();
    const script = [
      {
        steps: [
          { type: 'text' as const, pieces: ['Half'] },
          { type: 'wait' as const, until: new Promise(() => undefined) },
        ],
      },
    ];
    setImmediate(() => stop.abort());
    const { room, compactions } = await work({ messages: talk, script, signal: stop.signal });
    expect(room).toMatchObject({ type: 'failed', error: { code: 'cancelled' } });
    expect(compactions).toEqual([]);
  });
});

const text = fc.integer({ min: 0, max: 1500 }).map((length) => 'z'.repeat(length));
const part = fc.oneof(
  text.map((content) => [asked(`u${content}`)]),
  fc.array(text, { minLength: 1, maxLength: 3 }).map((results) => round('c', ...results)),
);

describe('whatever the conversation', () => {
  test('what comes out fits, whole pairs, with the system message and what is asked; or it is refused', async () => {
    const modes = fc.constantFrom('compact', 'truncate', 'error');
    await fc.assert(
      fc.asyncProperty(fc.array(part, { maxLength: 25 }), part, modes, async (parts, last, mode) => {
        const messages = [SYSTEM, ...parts.flat(), asked('now'), ...last].map(
          (message, place): ChatMessage =>
            message.role === 'assistant'
              ? {
                  ...message,
                  toolCalls: message.toolCalls.map((call) => ({ ...call, id: `${call.id} ${place}` })),
                }
              : message,
        );
        for (const [place, message] of messages.entries()) {
          if (message.role !== 'tool') continue;
          const caller = messages.findLastIndex(({ role }, index) => role === 'assistant' && index < place);
          messages[place] = { ...message, toolCallId: `${message.toolCallId} ${caller}` };
        }
        const script = Array.from({ length: 4 }, () => says('A summary.'));
        const { room, compactions } = await work({ messages, options: { context_overflow: mode }, script });
        if (room.type === 'failed') {
          expect(room.error.code).toBe('context_overflow');
          return;
        }
        const shown = shownIn(room);
        expect(countTokens(shown)).toBeLessThanOrEqual(WINDOW - 63);
        expect(splitPairs(shown)).toEqual([]);
        expect(shown[0]).toEqual(SYSTEM);
        const asks = messages.findLast(({ role }) => role === 'user');
        expect(shown.some(({ content }) => content.includes(asks?.content ?? ''))).toBe(true);
        if (mode === 'error') expect(compactions).toEqual([]);
      }),
    );
  });
});
