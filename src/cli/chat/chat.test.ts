import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  approval,
  done,
  resolved,
  ScriptedServer,
  text,
} from '../../../test/support/scripted-chat-server.js';
import { GantryClient } from '../../client/gantry-client.js';
import { DomainError } from '../../errors.js';
import type { EventPayload } from '../../events/event.js';
import { PLAIN_STYLE } from '../style.js';
import { Chat } from './chat.js';

const clients: GantryClient[] = [];
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gantry-chat-'));
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await rm(folder, { recursive: true, force: true });
});

function talk(
  scripted: ScriptedServer,
  options: { sessionId?: string; afterSeq?: number; isTty?: boolean } = {},
) {
  let output = '';
  let chat: Chat | undefined;
  const client = new GantryClient({
    url: 'http://gantry.test',
    apiKey: 'k',
    openSocket: scripted.server.openSocket,
    random: () => 0,
    onStatus: (status) => chat?.showStatus(status),
  });
  clients.push(client);
  chat = new Chat(
    Object.assign(client, {
      files: Object.assign(client.files, { content: async () => new Blob(['PNG']).stream() }),
    }),
    {
      sessionId: options.sessionId,
      afterSeq: options.afterSeq ?? 0,
      permission: 'ask',
      model: undefined,
      saveFolder: folder,
    },
    {
      isTty: options.isTty ?? false,
      write: (text) => (output += text),
      prompt: (text) => (output += text),
      edit: async () => undefined,
    },
    PLAIN_STYLE,
  );
  return { chat, screen: () => output };
}

async function script(scripted: ScriptedServer, ...lines: string[]) {
  const { chat, screen } = talk(scripted);
  for (const line of lines) chat.line(line);
  chat.inputEnded();
  const code = await chat.end;
  return { code, screen: screen() };
}

describe('a scripted chat', () => {
  test('says its lines one run after the other and ends with 0', async () => {
    const scripted = new ScriptedServer([
      [text('Hello'), done()],
      [text('Bye'), done()],
    ]);
    const { code, screen } = await script(scripted, 'first', '', 'second');
    expect(code).toBe(0);
    expect(scripted.requests.map(({ input }) => input)).toEqual(['first', 'second']);
    expect(scripted.requests[0]).toMatchObject({ session_id: 'sess_1', agent_permission: 'ask' });
    expect(screen).toMatch(/> first\nHello\n\[stop, 2 tokens[^\n]*\n> second\nBye\n/);
    expect(screen).toContain('gantry chat --session sess_1 --after-seq 6');
  });

  test.each([
    ['a', { decision: 'approve' }],
    ['s', { decision: 'approve', remember_for_session: true }],
    ['d too dangerous', { decision: 'deny', message: 'too dangerous' }],
    ['e {"code": "2"}', { decision: 'approve', edited_arguments: { code: '2' } }],
  ])('answers an approval with %s', async (answer, decision) => {
    const scripted = new ScriptedServer([[approval()]]);
    scripted.onDecide = ({ decision }) => [resolved(decision), done()];
    const { code, screen } = await script(scripted, 'go', answer);
    expect(code).toBe(0);
    expect(scripted.decisions).toMatchObject([decision]);
    expect(screen).toContain('print(1)');
  });

  test('asks for the reason and the arguments on lines of their own; mistakes decide nothing', async () => {
    const scripted = new ScriptedServer([[approval()]]);
    scripted.onDecide = ({ decision }) => [resolved(decision), done()];
    const mistakes = ['what?', 'A second plot, please', 'Session two', 'v', 'e', 'no json'];
    const { screen } = await script(scripted, 'go', ...mistakes, 'd', 'because');
    expect(scripted.decisions).toMatchObject([{ decision: 'deny', message: 'because' }]);
    expect(screen).toContain('Type a, s, d, e or v.');
    expect(screen).toContain('nothing was decided');
  });

  test('refused edits are asked again', async () => {
    const scripted = new ScriptedServer([[approval()]]);
    let attempts = 0;
    scripted.onDecide = ({ decision }) => {
      attempts += 1;
      if (attempts === 1)
        throw new DomainError('invalid_request', 'No such field.', { param: 'edited_arguments' });
      return [resolved(decision), done()];
    };
    const { code, screen } = await script(scripted, 'go', 'e {"colour": 1}', 'a');
    expect(code).toBe(0);
    expect(attempts).toBe(2);
    expect(screen).toContain('No such field.');
  });

  test('input that ends before an approval is answered leaves it pending: 3', async () => {
    const scripted = new ScriptedServer([[approval()]]);
    const { code, screen } = await script(scripted, 'go');
    expect(code).toBe(3);
    expect(scripted.decisions).toEqual([]);
    expect(screen).toContain('gantry approvals approve appr_1');
  });

  test('a failed run: 1', async () => {
    const scripted = new ScriptedServer([[{ type: 'internal_error', message: 'broken' }]]);
    expect(await script(scripted, 'go')).toMatchObject({ code: 1 });
  });

  test('/steer and /cancel go out while the run works; other lines wait', async () => {
    const scripted = new ScriptedServer([[text('thinking')], [text('more')]]);
    await script(scripted, 'one', '/steer left', 'two', '/cancel');
    expect(scripted.steers).toEqual(['left']);
    expect(scripted.requests.map(({ input }) => input)).toEqual(['one', 'two']);
    expect(scripted.cancels).toMatchObject([{ run_id: 'run_2' }]);
  });

  test('saves files and says where', async () => {
    const file = { id: 'file_1', name: '../../plot.png', bytes: 3, created_at: 0, purpose: 'agent_output' };
    const scripted = new ScriptedServer([[{ type: 'file', file }, done()]]);
    const { screen } = await script(scripted, 'plot');
    expect(screen).toContain(join(folder, 'plot.png'));
  });

  test('nothing that a model, tool or file says reaches the terminal as a command', async () => {
    const evil = '\u001B]52;c;ZXZpbA==\u0007\u001B[2J\u009B1A\rhidden\b\u202Etxt';
    const file = { id: 'f', name: evil, bytes: 3, created_at: 0, purpose: 'agent_output' };
    const data = { tool_type: 'code_execution' as const, code: evil, exception: evil };
    const call = { round: 0, tool_call_id: 'call_1', tool_name: evil };
    const scripted = new ScriptedServer([
      [
        text(evil),
        { type: 'agentic_tool_call_progress', ...call, phase: 'calling', data },
        { type: 'agentic_tool_output', ...call, stream: 'stdout', text: evil, offset: 0 },
        { ...approval({ [evil]: evil }), tool_name: evil } as EventPayload,
      ],
    ]);
    scripted.onDecide = () => [
      { ...resolved('approve'), decided_by: evil, message: evil } as EventPayload,
      { type: 'agentic_tool_call_progress', ...call, phase: 'complete', data },
      { type: 'file', file },
      { type: 'sandbox_state_lost', reason: evil },
      {
        type: 'model_error',
        message: evil,
        code: 'x',
        incomplete_response: done().response,
      },
    ];
    const { screen } = await script(scripted, 'go', 'v', 'a');
    expect(screen).toContain('hidden');
    // eslint-disable-next-line no-control-regex
    expect(screen).not.toMatch(/[\u0000-\u0009\u000B-\u001F\u007F-\u009F\u202E]/);
  });
});

describe('a person', () => {
  test('Ctrl-C once cancels the run, twice leaves with 130', async () => {
    const scripted = new ScriptedServer([[{ type: 'run_started', generation: 1, model: 'demo' }]]);
    const { chat, screen } = talk(scripted);
    chat.line('go');
    await expect.poll(() => scripted.requests.length).toBe(1);
    await expect.poll(() => screen()).toContain('> go');
    chat.interrupt();
    await expect.poll(() => scripted.cancels).toMatchObject([{ run_id: 'run_1' }]);
    chat.interrupt();
    expect(await chat.end).toBe(130);
  });

  test('a broken connection is told with the seq, and the answer goes on', async () => {
    const scripted = new ScriptedServer([[text('one ')]]);
    const { chat, screen } = talk(scripted);
    chat.line('go');
    chat.inputEnded();
    await expect.poll(() => screen()).toContain('one');
    scripted.server.setAway(true);
    await expect.poll(() => screen()).toMatch(/connection lost .* after seq 2; reconnecting/);
    scripted.say({ ...text('two'), offset: 4 } as EventPayload, done());
    scripted.server.setAway(false);
    expect(await chat.end).toBe(0);
    expect(screen()).toContain('connected again; going on after seq 2');
    expect(screen().match(/one/g)).toHaveLength(1);
    expect(screen().match(/two/g)).toHaveLength(1);
  });

  test('coming back after a seq shows the rest and asks what is still open', async () => {
    const scripted = new ScriptedServer([]);
    scripted.say(text('old'), approval());
    scripted.onDecide = ({ decision }) => [resolved(decision), done()];
    const { chat, screen } = talk(scripted, { sessionId: 'sess_1', afterSeq: 1 });
    chat.line('a');
    chat.inputEnded();
    expect(await chat.end).toBe(0);
    expect(screen()).not.toContain('old');
    expect(scripted.decisions).toHaveLength(1);
  });

  test.each(['A second plot with cos(x), please', 'a'])(
    'a line typed before a question was shown does not answer it: %s',
    async (early) => {
      const scripted = new ScriptedServer([[text('thinking')]]);
      scripted.onDecide = ({ decision }) => [resolved(decision), done()];
      const { chat, screen } = talk(scripted, { isTty: true });
      chat.line('go');
      await expect.poll(() => screen()).toContain('thinking');
      chat.line(early);
      scripted.say(approval());
      await expect.poll(() => screen()).toContain('[a]pprove');
      chat.line('d too dangerous');
      chat.inputEnded();
      expect(await chat.end).toBe(0);
      expect(scripted.decisions).toMatchObject([{ decision: 'deny', message: 'too dangerous' }]);
      expect(scripted.requests.map(({ input }) => input)).toEqual(['go', early]);
    },
  );

  test('an approval that was decided elsewhere is asked no more', async () => {
    const scripted = new ScriptedServer([[approval()]]);
    const { chat, screen } = talk(scripted);
    chat.line('go');
    await expect.poll(() => screen()).toContain('[a]pprove');
    scripted.say(resolved('deny'), done());
    await expect.poll(() => screen()).toContain('[approval: deny by owner]');
    chat.line('next');
    chat.inputEnded();
    expect(await chat.end).toBe(0);
    expect(scripted.decisions).toEqual([]);
    expect(scripted.requests.map(({ input }) => input)).toEqual(['go', 'next']);
  });

  test('a session that is not there: 2', async () => {
    const { chat } = talk(new ScriptedServer([]), { sessionId: 'sess_none' });
    expect(await chat.end).toBe(2);
  });
});
