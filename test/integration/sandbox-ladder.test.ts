import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { loadConfig } from '../../src/config/config.js';
import { bubblewrapSandboxOptions } from '../../src/sandbox/bubblewrap/options-from-config.js';
import { DockerSandboxProvider } from '../../src/sandbox/docker/docker-sandbox-provider.js';
import { dockerSandboxOptions } from '../../src/sandbox/docker/options-from-config.js';
import { kernelVersion, sandboxImage } from '../../src/sandbox/docker/sandbox-image.js';
import { SandboxLadder } from '../../src/sandbox/ladder/sandbox-ladder.js';
import { bubblewrapProvider, testRootFileSystem } from '../support/bubblewrap.js';

const folder = fileURLToPath(new URL('../../sandboxes', import.meta.url));
const spec = { sessionId: 'sess_ladder', runId: 'run_1', generation: 1 };
const ladders: SandboxLadder[] = [];

/** `GANTRY_SANDBOX=auto` under these settings, with the providers of production. */
async function auto(environment: Record<string, string>): Promise<SandboxLadder> {
  const { sandbox } = loadConfig(environment);
  const image = await sandboxImage(folder);
  const docker = dockerSandboxOptions(sandbox, {
    instanceId: `test-ladder-${process.pid}-${ladders.length}`,
    images: { python: image, slim: image },
    kernelVersion: await kernelVersion(folder),
    keepsWarm: true,
  });
  const bubblewrap = bubblewrapSandboxOptions(sandbox, await testRootFileSystem(), true);
  const ladder = new SandboxLadder([
    async () => new DockerSandboxProvider(docker, () => undefined),
    () => bubblewrapProvider(bubblewrap),
  ]);
  ladders.push(ladder);
  await ladder.ready();
  return ladder;
}

const NO_ENGINE = { DOCKER_HOST: 'tcp://127.0.0.1:1' };

afterAll(() => Promise.all(ladders.map((ladder) => ladder.close())));

describe('the ladder of providers', () => {
  test.runIf(process.env['GANTRY_TEST_WITHOUT_DOCKER'] === undefined)(
    'runs nothing without graphics processors where the default profile asks for some that are not there',
    async () => {
      const ladder = await auto({ GANTRY_SANDBOX_GPUS: 'no-such-device,nor-this' });
      const { provider, available, reason } = ladder.protections();
      expect([provider, available]).toEqual(['none', false]);
      expect(reason).toContain('cannot hand its graphics processors to a sandbox');
      expect(reason).toContain('GANTRY_SANDBOX_GPUS can be had from a Docker engine only');
      await expect(ladder.acquire(spec)).rejects.toMatchObject({ code: 'unavailable' });
    },
  );

  test('runs nothing without them either where there is no engine at all', async () => {
    const ladder = await auto({ ...NO_ENGINE, GANTRY_SANDBOX_GPUS: 'all' });
    expect(ladder.protections()).toMatchObject({ provider: 'none', available: false });
    await expect(ladder.acquire(spec)).rejects.toMatchObject({ code: 'unavailable' });
  });

  test.runIf(process.env['GANTRY_TEST_WITHOUT_BUBBLEWRAP'] === undefined)(
    'comes to bubblewrap without an engine, where a profile that asks for graphics processors is refused',
    async () => {
      const profiles = '{"fast":{"gpus":"all"}}';
      const ladder = await auto({ ...NO_ENGINE, GANTRY_SANDBOX_PROFILES: profiles });
      const told = ladder.protections();
      expect(told).toMatchObject({ provider: 'bubblewrap', available: true });
      expect(told.profiles?.['fast']).toMatchObject({
        available: false,
        reason: expect.stringContaining('gpus'),
      });
      await expect(ladder.acquire({ ...spec, profile: 'fast' })).rejects.toMatchObject({
        code: 'unavailable',
        message: expect.stringContaining('gpus'),
      });
      expect((await ladder.acquire(spec)).fresh).toBe(true);
    },
  );
});
