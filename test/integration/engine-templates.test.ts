import { afterEach, describe, expect, test } from 'vitest';
import type { Engine } from '../../src/engine/engine.js';
import { demoEngine } from '../fixtures/models/demo-engine.js';
import { demoRequest } from '../fixtures/models/demo-requests.js';
import { collect } from './engine-conformance.js';

const never = new AbortController().signal;
/** Ten thousand million rounds. */
const ENDLESS = '{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}';

let engine: Engine;
afterEach(() => engine.close());

async function lastOf(content: string) {
  return (
    await collect(engine.generate(demoRequest(content, { tools: [], sampling: { maxTokens: 4 } }), never))
  ).at(-1);
}

function hostPid(): number {
  const status = engine.status();
  return status.state === 'ready' ? status.hostPid : 0;
}

describe('a template that cannot be used is named, and the model is not loaded', () => {
  test.each([
    ['loops', ENDLESS, /template.*does not come to an end/],
    ['is no Jinja', '{% for %}', /template/],
  ])('one that %s', async (_name, chatTemplate, message) => {
    engine = demoEngine({ chatTemplate });
    await expect(engine.capabilities()).rejects.toMatchObject({
      code: 'model_not_found',
      message: expect.stringMatching(message) as string,
    });
    expect(await lastOf('Hello!')).toMatchObject({ type: 'error', error: { code: 'model_not_found' } });
  });
});

describe('a template that fails on a conversation refuses that one and no other', () => {
  const unless = (what: string) =>
    `{% for m in messages %}{% if 'please' in m.content %}${what}{% else %}{{ m.content }}{% endif %}{% endfor %}`;
  test.each([
    ['loops', unless(ENDLESS), /template.*does not come to an end/],
    ['throws', unless("{{ raise_exception('not like this') }}"), /template.*not like this/],
    ['emits nothing', unless(''), /template.*nothing/],
  ])('one that %s', async (_name, chatTemplate, message) => {
    engine = demoEngine({ chatTemplate });
    await engine.capabilities();
    const pid = hostPid();
    expect(await lastOf('Hello, please!')).toMatchObject({
      type: 'error',
      error: { code: 'invalid_request', message: expect.stringMatching(message) as string },
    });
    const count = engine.count(demoRequest('Hello, please!', { tools: [] }));
    await expect(count).rejects.toMatchObject({ message: expect.stringMatching(/template/) as string });
    expect(await lastOf('Hello!')).toMatchObject({ type: 'stop' });
    expect(hostPid()).toBe(pid);
  });
});
