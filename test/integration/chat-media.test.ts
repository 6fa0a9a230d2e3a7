import { toFile } from 'openai';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createOpenAiEngine } from '../../src/engine/openai/openai-engine.js';
import { calls, says } from '../../src/engine/scripted/scripted-turn.js';
import type { Tool } from '../../src/tools/tool.js';
import { type ChatServer, startChatServer } from './chat-server.js';
import { until } from '../support/until.js';
import { collect } from './engine-conformance.js';
import { scriptedTool } from './run-harness.js';

const PNG =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
const WAV = Buffer.from('RIFF$\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0D\xac\0\0', 'latin1').toString('base64');
const image = (url: string) => ({ type: 'image_url' as const, image_url: { url } });
const picture = image(`data:image/png;base64,${PNG}`);
const text = (said: string) => ({ type: 'text' as const, text: said });
const shows = (...content: object[]) => ({ model: 'scripted', messages: [{ role: 'user', content }] });
const asMedia = { type: 'image', mimeType: 'image/png', name: 'image-1', data: PNG };

const plain = scriptedTool('plot', { effect: 'pure' });
const plot: Tool = {
  ...plain,
  execute: async () => ({
    status: 'succeeded',
    content: '[1 image shown to the user]',
    data: { tool_type: 'custom', content: '' },
    imagesBase64: [PNG],
  }),
};

let server: ChatServer;
beforeAll(async () => {
  server = await startChatServer([plot]);
});
afterAll(() => server.close());
beforeEach(() => {
  server.engine.clear();
  server.engine.input = ['image', 'audio'];
});

async function refusal(body: object): Promise<{ status: number; error: Record<string, unknown> }> {
  const response = await server.post(body);
  const { error } = (await response.json()) as { error: Record<string, unknown> };
  return { status: response.status, error };
}

describe('what a message shows', () => {
  test('reaches a model that takes it, in this turn and in later ones', async () => {
    server.engine.enqueue(says('A dot.'), says('Red.'));
    const first = await server.alice.chat.completions.create({
      model: 'scripted',
      messages: [{ role: 'user', content: [text('What is '), picture, text('this?')] }],
    });
    expect(server.engine.requests.at(-1)?.messages.at(-1)).toEqual({
      role: 'user',
      content: 'What is this?',
      media: [asMedia],
    });
    const { session_id } = first as unknown as { session_id: string };
    await server.post({
      session_id,
      model: 'scripted',
      messages: [{ role: 'user', content: 'Its colour?' }],
    });
    const [, shown, , asked] = server.engine.requests.at(-1)?.messages ?? [];
    expect(shown).toMatchObject({ content: 'What is this?', media: [asMedia] });
    expect(asked).toEqual({ role: 'user', content: 'Its colour?' });
  });

  test('is part of a conversation that a request brings along', async () => {
    server.engine.enqueue(says('Red.'));
    const sound = { type: 'input_audio' as const, input_audio: { data: WAV, format: 'wav' as const } };
    await server.alice.chat.completions.create({
      model: 'scripted',
      messages: [
        { role: 'user', content: [picture] },
        { role: 'assistant', content: 'A dot.' },
        { role: 'user', content: [text('And this?'), sound] },
      ],
    });
    const [, first, , last] = server.engine.requests.at(-1)?.messages ?? [];
    expect(first).toEqual({ role: 'user', content: '', media: [asMedia] });
    expect(last).toMatchObject({ content: 'And this?', media: [{ type: 'audio', data: WAV }] });
  });

  test('is refused where the model takes none, and nothing is generated', async () => {
    server.engine.input = [];
    const asked = server.engine.requests.length;
    const { status, error } = await refusal(shows(text('Look'), picture));
    expect(status).toBe(400);
    expect(error['message']).toContain('takes no image');
    expect(server.engine.requests).toHaveLength(asked);
  });

  test('of a tool reaches the model that called it', async () => {
    server.engine.enqueue(calls({ name: 'plot', arguments: { value: 'x' } }), says('A dot.'));
    await server.post({
      model: 'scripted',
      enable_tools: true,
      messages: [{ role: 'user', content: 'Plot it' }],
    });
    expect(server.engine.requests.at(-1)?.messages.at(-1)).toMatchObject({
      role: 'tool',
      content: '[1 image shown to the user]',
      media: [{ type: 'image', mimeType: 'image/png', data: PNG }],
    });
  });

  test('goes with a session that is exported, and into a fork', async () => {
    server.engine.enqueue(says('A dot.'), says('Still.'));
    const answer = await server.post(shows(text('Look'), picture));
    const { session_id } = (await answer.json()) as { session_id: string };
    await server.post({ session_id, model: 'scripted', messages: [{ role: 'user', content: 'Sure?' }] });
    const forked = await server.fetch(`/v1/sessions/${session_id}/fork`, { method: 'POST', body: '{}' });
    const fork = (await forked.json()) as { id: string };
    const exported = await (await server.fetch(`/v1/sessions/${fork.id}`)).json();
    const [first] = (exported as { messages: { file_ids: string[] }[] }).messages;
    const files = (exported as { files: { id: string; data_base64: string }[] }).files;
    expect(files.find(({ id }) => id === first?.file_ids[0])?.data_base64).toBe(PNG);
    server.engine.enqueue(says('Yes.'));
    await server.post({
      session_id: fork.id,
      model: 'scripted',
      messages: [{ role: 'user', content: 'Red?' }],
    });
    expect(server.engine.requests.at(-1)?.messages[1]).toMatchObject({ content: 'Look', media: [asMedia] });
  });

  test('may be an upload that a run of the native API names', async () => {
    const upload = async (name: string, content: Buffer) => {
      const form = new FormData();
      form.append('purpose', 'user_data');
      form.append('file', new Blob([Uint8Array.from(content)]), name);
      const headers = { authorization: `Bearer ${server.key}` };
      const answer = await fetch(`${server.url}/v1/files`, { method: 'POST', headers, body: form });
      return ((await answer.json()) as { id: string }).id;
    };
    const run = async (session: string, ...show_file_ids: string[]) =>
      server.fetch(`/v1/sessions/${session}/runs`, {
        method: 'POST',
        body: JSON.stringify({ input: 'And in here?', show_file_ids }),
      });
    const dot = await upload('dot.png', Buffer.from(PNG, 'base64'));
    const note = await upload('note.txt', Buffer.from('No picture.'));
    const created = await server.fetch('/v1/sessions', { method: 'POST', body: '{}' });
    const { id } = (await created.json()) as { id: string };
    server.engine.enqueue(says('A dot.'));
    expect((await run(id, dot)).status).toBe(201);
    await until(
      'the model is asked',
      10_000,
      () => server.engine.requests.at(-1)?.messages.at(-1)?.content === 'And in here?',
    );
    expect(server.engine.requests.at(-1)?.messages.at(-1)).toMatchObject({
      media: [{ type: 'image', mimeType: 'image/png', name: 'dot.png', data: PNG }],
    });
    const refused = await run(id, note);
    expect([refused.status, await refused.json()]).toMatchObject([
      400,
      { error: { param: 'show_file_ids', code: 'unsupported_media' } },
    ]);
    expect((await run(id, 'file_of_nobody')).status).toBe(404);
    const bobs = await server.bob.files.create({
      file: await toFile(Buffer.from(PNG, 'base64'), 'secret.png'),
      purpose: 'user_data',
    });
    expect((await run(id, bobs.id)).status).toBe(404);
  });

  test('arrives through Gantry on Gantry', async () => {
    const { url, key } = server;
    const engine = createOpenAiEngine({
      model: `openai:${url}/v1`,
      key,
      contextSize: 'auto',
      parallel: 1,
      input: ['image'],
    });
    server.engine.enqueue(says('A dot.'));
    expect((await engine.capabilities()).input).toEqual(['image']);
    const events = await collect(
      engine.generate(
        {
          sessionId: 's',
          messages: [{ role: 'user', content: 'Look', media: [{ ...asMedia, type: 'image' }] }],
          tools: [],
          sampling: {},
        },
        new AbortController().signal,
      ),
    );
    await engine.close();
    expect(events.at(-1)).toMatchObject({ type: 'stop' });
    expect(server.engine.requests.at(-1)?.messages.at(-1)).toMatchObject({ media: [asMedia] });
  });
});

describe('bad pictures', () => {
  test.each([
    ['https://example.org/cat.png', 'data: URL'],
    ['http://169.254.169.254/latest/meta-data', 'data: URL'],
    ['file:///etc/passwd', 'data: URL'],
    ['data:image/png;base64,%%%', 'data: URL'],
    ['data:image/png,abc', 'data: URL'],
    ['', 'data: URL'],
  ])('%s is refused with what to send instead', async (url, message) => {
    const { status, error } = await refusal(shows(image(url)));
    expect(status).toBe(400);
    expect(JSON.stringify(error)).toContain(message);
  });

  test.each([
    ['a page', Buffer.from('<html><script>alert(1)</script></html>')],
    ['a drawing that may hold scripts', Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>')],
    ['nothing that is known', Buffer.from([0, 1, 2, 3])],
  ])('%s is no picture, whatever it calls itself', async (_name, content) => {
    const { status, error } = await refusal(
      shows(image(`data:image/png;base64,${content.toString('base64')}`)),
    );
    expect(status).toBe(400);
    expect(error['message']).toContain('PNG, JPEG, GIF and WebP');
  });

  test('only a user shows pictures', async () => {
    const messages = [
      { role: 'system', content: [picture] },
      { role: 'user', content: 'Hello' },
    ];
    expect(await refusal({ model: 'scripted', messages })).toMatchObject({ status: 400 });
  });

  test('not more than 64', async () => {
    const { status, error } = await refusal(shows(...Array.from({ length: 65 }, () => picture)));
    expect(status).toBe(400);
    expect(error['message']).toContain('64');
  });
});
