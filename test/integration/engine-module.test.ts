import { Test } from '@nestjs/testing';
import { expect, test } from 'vitest';
import { ConfigModule } from '../../src/config/config.module.js';
import { loadConfig } from '../../src/config/config.js';
import { ENGINE, type Engine } from '../../src/engine/engine.js';
import { EngineModule } from '../../src/engine/engine.module.js';
import { LoggingModule } from '../../src/observability/logging.module.js';
import { answers } from '../support/scripted-upstream.js';
import { refuses, TEST_KEY } from '../support/upstream-misbehaviours/misbehaviour.js';
import { collect, textOf } from './engine-conformance.js';
import { REQUEST, upstream } from './openai-engine-fixture.js';

test('MODEL as a list makes a pool, and the key goes to the first server only', async () => {
  const [first, second] = [await upstream(), await upstream()];
  const config = loadConfig({
    MODEL: `openai:${first.url}, openai:${second.url}#scripted-model`,
    GANTRY_UPSTREAM_API_KEY: TEST_KEY,
    LOG_LEVEL: 'silent',
  });
  const testing = await Test.createTestingModule({
    imports: [ConfigModule.with(config), LoggingModule, EngineModule],
  }).compile();
  const app = await testing.init();
  const engine = app.get<Engine>(ENGINE, { strict: false });
  first.enqueue(refuses(503, { error: { message: `Too busy for ${TEST_KEY}.` } }));
  second.enqueue(answers([{ content: 'From the second.' }]));
  expect(textOf(await collect(engine.generate(REQUEST, new AbortController().signal)))).toBe(
    'From the second.',
  );
  expect(first.chats[0]?.headers['authorization']).toBe(`Bearer ${TEST_KEY}`);
  expect(second.chats[0]?.headers['authorization']).toBeUndefined();
  const status = engine.status();
  expect(status).toMatchObject({
    state: 'pool',
    model: 'scripted-model',
    fallbacks: 1,
    members: [
      { name: `openai:${first.url}`, breaker: 'closed', failed: 1 },
      { name: `openai:${second.url}#scripted-model`, answered: 1 },
    ],
  });
  expect(JSON.stringify(status)).not.toContain(TEST_KEY);
  await app.close();
  expect(engine.status()).toMatchObject({
    members: [{ status: { state: 'closed' } }, { status: { state: 'closed' } }],
  });
});

test('one name makes that engine, with nothing around it', async () => {
  const server = await upstream();
  const config = loadConfig({ MODEL: `openai:${server.url}`, LOG_LEVEL: 'silent' });
  const testing = await Test.createTestingModule({
    imports: [ConfigModule.with(config), LoggingModule, EngineModule],
  }).compile();
  const app = await testing.init();
  const engine = app.get<Engine>(ENGINE, { strict: false });
  await engine.capabilities();
  expect(engine.status().state).toBe('remote');
  await app.close();
});
