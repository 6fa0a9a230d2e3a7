import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { demoEngine } from '../fixtures/models/demo-engine.js';
import { demoRequest } from '../fixtures/models/demo-requests.js';
import { writeTinyGguf } from '../fixtures/models/tiny-gguf.js';
import { collect } from './engine-conformance.js';

const never = new AbortController().signal;
const ENDLESS = '{% for a in range(9999999) %}{% for b in range(9999999) %}{% endfor %}{% endfor %}';
const ORDINARY = '{% for m in messages %}{{ m.content }}{% endfor %}';
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gantry-bad-templates-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function modelWith(template: string): Promise<string> {
  const path = join(folder, `${Math.random()}.gguf`);
  await writeTinyGguf(path, { template });
  return path;
}

describe('a model whose template', () => {
  test.each([
    ['is no Jinja', '{% for m in %}', /template cannot be used/],
    ['refuses everything', '{{ raise_exception("Never!") }}', /Never!/],
    ['renders nothing', '{# nothing #}', /renders nothing/],
    ['goes on without end', ENDLESS, /did not come to an end within 2 s/],
    ['calls itself without end', '{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}', /cannot be used/],
  ])('%s is not loaded, and the reason told', async (_, template, reason) => {
    const engine = demoEngine({ model: await modelWith(template) });
    await collect(engine.generate(demoRequest('Hello!'), never));
    const status = engine.status();
    await engine.close();
    expect(status).toMatchObject({ state: 'failed', message: expect.stringMatching(reason) as string });
    expect(status).toMatchObject({ hint: expect.stringContaining('chat_template_override') as string });
  });

  test.each([
    ['throws', '{{ raise_exception("Not this!") }}', /refused the messages: Not this!/],
    ['loops', ENDLESS, /did not come to an end/],
  ])('%s at certain messages refuses these only', async (_, trap, reason) => {
    const template = `{% if messages[-1].content == "trap" %}${trap}{% endif %}${ORDINARY}`;
    const engine = demoEngine({ model: await modelWith(template) });
    const ask = (text: string) =>
      collect(engine.generate(demoRequest(text, { tools: [], sampling: { maxTokens: 4 } }), never));
    expect(await ask('trap')).toMatchObject([
      { type: 'error', error: { code: 'invalid_request', message: expect.stringMatching(reason) as string } },
    ]);
    expect((await ask('Hello!')).at(-1)).toMatchObject({ type: 'stop' });
    await engine.close();
  });

  test('renders nothing of certain messages refuses these only', async () => {
    const engine = demoEngine({
      model: await modelWith('{% if messages[-1].content != "trap" %}x{% endif %}'),
    });
    const events = await collect(engine.generate(demoRequest('trap', { tools: [] }), never));
    expect(events).toMatchObject([{ type: 'error', error: { code: 'invalid_request' } }]);
    await engine.close();
  });
});
