import { afterEach, expect, test } from 'vitest';
import { DockerSandboxProvider } from '../../src/sandbox/docker/docker-sandbox-provider.js';
import type { DockerSandboxOptions } from '../../src/sandbox/docker/docker-sandbox-options.js';
import { SANDBOX_DEFAULTS } from '../../src/sandbox/kernel/sandbox-resources.js';
import {
  type EngineReply,
  SCRIPTED_IMAGE,
  type ScriptedEngine,
  startScriptedEngine,
} from '../support/scripted-engine.js';

const open: { close(): Promise<void> }[] = [];
const spec = { sessionId: 'sess_1', runId: 'run_1', generation: 1 };

afterEach(async () => {
  for (const each of open.splice(0).toReversed()) await each.close();
});

async function providerOn(
  replies: Readonly<Record<string, EngineReply>>,
  options: Partial<DockerSandboxOptions> = {},
): Promise<{ provider: DockerSandboxProvider; engine: ScriptedEngine; said: string[] }> {
  const engine = await startScriptedEngine(replies);
  open.push(engine);
  const said: string[] = [];
  const provider = new DockerSandboxProvider(
    {
      ...SANDBOX_DEFAULTS,
      poolSize: 0,
      instanceId: 'here',
      image: SCRIPTED_IMAGE,
      dockerHost: engine.url,
      ...options,
    },
    (message) => said.push(message),
  );
  open.push(provider);
  await provider.ready();
  return { provider, engine, said };
}

const ok = (body: unknown): EngineReply => ({ status: 200, body });
const failed = (message: string): EngineReply => ({ status: 500, body: { message } });
const image = (config: unknown): Readonly<Record<string, EngineReply>> => ({
  [`GET /images/${SCRIPTED_IMAGE}/json`]: ok({ Config: config }),
});

test.each<[string, Readonly<Record<string, EngineReply>>, Partial<DockerSandboxOptions>, string]>([
  [
    'too old',
    { 'GET /version': ok({ ApiVersion: '1.39' }) },
    {},
    'is too old (API 1.39): sandboxes need Docker 19.03',
  ],
  ['of another kind', { 'GET /info': ok({ OSType: 'windows' }) }, {}, 'runs windows containers'],
  ['confused', { 'GET /info': ok('hello') }, {}, 'No Docker engine answers'],
  ['gone between two questions', { 'GET /info': 'hang up' }, {}, 'No Docker engine answers'],
  ['without the runtime', {}, { runtime: 'runsc' }, 'does not know the runtime runsc; it knows: runc'],
  [
    'without the image',
    {},
    { image: 'gantry-absent' },
    'The sandbox image gantry-absent is missing. Images are never pulled',
  ],
  [
    'with an image of no kernel',
    image({}),
    {},
    'has no sandbox kernel. Make one that has with: node sandboxes/build',
  ],
  [
    'with an image that declares volumes',
    image({ Volumes: { '/data': {} } }),
    {},
    'declares volumes (/data)',
  ],
  [
    'with an image of another kernel',
    image({ Labels: { 'gantry.kernel': 'old' } }),
    { kernelVersion: 'new' },
    'carries the sandbox kernel of another version',
  ],
])('an engine %s is told as such', async (_title, replies, options, reason) => {
  const { provider } = await providerOn(replies, options);
  expect(provider.protections()).toMatchObject({ available: false });
  expect(provider.protections().reason).toContain(reason);
  await expect(provider.acquire(spec)).rejects.toMatchObject({
    code: 'unavailable',
    message: expect.stringContaining(reason),
  });
});

test('a full disk of the engine is told as such', async () => {
  const { provider } = await providerOn({
    'POST /containers/create': failed('mkdir /var/lib/docker/overlay2/x: no space left on device'),
  });
  await expect(provider.acquire(spec)).rejects.toMatchObject({
    code: 'storage_full',
    message: expect.stringContaining('disk of the Docker engine is full'),
  });
});

test('a container whose making was not answered is removed by the name it was given', async () => {
  const { provider, engine } = await providerOn({ 'POST /containers/create': 'hang up' });
  await expect(provider.acquire(spec)).rejects.toMatchObject({ code: 'unavailable' });
  expect(engine.requests).toContainEqual(expect.stringMatching(/^DELETE \/containers\/gantry-[0-9a-f]{16}$/));
});

test('what goes on failing is said once', async () => {
  const { provider, said } = await providerOn(
    { 'POST /containers/create': failed('it is broken') },
    { poolSize: 1 },
  );
  await expect(provider.acquire(spec)).rejects.toMatchObject({ code: 'unavailable' });
  expect(said.filter((message) => message.startsWith('no warm sandbox'))).toHaveLength(1);
  expect(provider.protections().reason).toContain('it is broken');
});

test('one profile that cannot be had leaves the others alone', async () => {
  const profile = { ...SANDBOX_DEFAULTS, poolSize: 0, image: 'gantry-sandbox-slim:absent' };
  const { provider, said } = await providerOn({}, { profiles: { slim: profile } });
  expect(provider.protections()).toMatchObject({
    available: true,
    profiles: {
      python: { available: true },
      slim: { available: false, reason: expect.stringContaining('build-image.mjs --slim') },
    },
  });
  expect(said.join()).toContain('profile slim is off');
});
