import Docker from 'dockerode';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { DockerSandboxProvider } from '../../src/sandbox/docker/docker-sandbox-provider.js';
import type {
  DockerSandboxOptions,
  SandboxProfile,
} from '../../src/sandbox/docker/docker-sandbox-options.js';
import { ownerLabels } from '../../src/sandbox/docker/janitor.js';
import { processPlace } from '../../src/sandbox/docker/process-place.js';
import { sandboxImage } from '../../src/sandbox/docker/sandbox-image.js';
import { SANDBOX_DEFAULTS } from '../../src/sandbox/kernel/sandbox-resources.js';
import type { Sandbox } from '../../src/sandbox/sandbox.js';
import { describeWithDocker } from '../support/docker.js';
import { until } from '../support/until.js';

const image = await sandboxImage(fileURLToPath(new URL('../../sandboxes', import.meta.url)));
const docker = new Docker();
const instanceId = `test-profiles-${process.pid}`;
const providers: DockerSandboxProvider[] = [];
const MEBIBYTE = 2 ** 20;
const profile: SandboxProfile = { ...SANDBOX_DEFAULTS, poolSize: 0, image };

function provide(
  options: Partial<DockerSandboxOptions> = {},
  ...rest: [every?: ConstructorParameters<typeof DockerSandboxProvider>[2]]
): DockerSandboxProvider {
  const provider = new DockerSandboxProvider(
    { ...SANDBOX_DEFAULTS, poolSize: 0, instanceId, image, ...options },
    () => undefined,
    ...rest,
  );
  providers.push(provider);
  return provider;
}

const spec = (sessionId: string, named?: string) => ({
  sessionId,
  runId: 'run_1',
  generation: 1,
  ...(named === undefined ? {} : { profile: named }),
});

function run(sandbox: Sandbox, code: string, timeoutMs = 20_000) {
  return sandbox.exec(code, { timeoutMs }, () => undefined, new AbortController().signal);
}

afterAll(async () => {
  await Promise.all(providers.map((provider) => provider.close()));
});

describeWithDocker('a profile', () => {
  test('that a session names decides what its sandbox may use', async () => {
    const small = { ...profile, memoryBytes: 192 * MEBIBYTE, pids: 24, cpus: 0.5, maxTimeoutMs: 1000 };
    const provider = provide({ profiles: { small } });
    const sandbox = await provider.acquire(spec('sess_small', 'small'));
    const { HostConfig: host } = await docker.getContainer(sandbox.id).inspect();
    expect(host).toMatchObject({ Memory: 192 * MEBIBYTE, PidsLimit: 24, NanoCpus: 5e8 });
    const slow = await run(sandbox, 'import time\ntime.sleep(60)');
    expect(slow).toMatchObject({ outcome: 'timed_out' });
    expect(slow.durationMs).toBeLessThan(10_000);
    const other = await provider.acquire(spec('sess_usual'));
    expect((await docker.getContainer(other.id).inspect()).HostConfig.Memory).toBe(512 * MEBIBYTE);
  });

  test('that is not there any more is told with those that are', async () => {
    const provider = provide({ profiles: { small: profile } });
    await expect(provider.acquire(spec('sess_none', 'large'))).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('it has: python, small'),
    });
  });

  test('tells what its walls are as a sandbox saw them', async () => {
    const provider = provide({ poolSize: 1 });
    await provider.ready();
    expect(provider.protections().reason).toBeUndefined();
    expect(provider.protections()).toMatchObject({
      available: true,
      memoryBytes: profile.memoryBytes,
      processes: profile.pids,
      engine: { cgroup: expect.stringMatching(/^[12]$/) },
      walls: {
        unprivilegedUser: true,
        noCapabilities: true,
        noNewPrivileges: true,
        readOnlyRoot: true,
        noNetwork: true,
        memoryBytes: profile.memoryBytes,
        noSwap: true,
        processes: profile.pids,
      },
      occupancy: { ready: 1, booting: 0, used: 0, queued: 0 },
    });
    expect(provider.protections().walls?.systemCallFilters).toBeGreaterThanOrEqual(1);
    const sandbox = await provider.acquire(spec('sess_clean'));
    expect(await run(sandbox, '[name for name in dir() if not name.startswith("__")]')).toMatchObject({
      value: '[]',
    });
  });

  test('with graphics processors that the engine does not have is refused at the start', async () => {
    const provider = provide({ profiles: { fast: { ...profile, gpus: ['no-such-device'] } } });
    await provider.ready();
    const { available, profiles } = provider.protections();
    expect(available).toBe(true);
    expect(profiles?.['fast']).toMatchObject({
      available: false,
      reason: expect.stringContaining('cannot hand its graphics processors to a sandbox'),
    });
    await expect(provider.acquire(spec('sess_fast', 'fast'))).rejects.toMatchObject({ code: 'unavailable' });
  });
});

describeWithDocker('when all sandboxes are in use', () => {
  const limits = { ...SANDBOX_DEFAULTS.limits, maximum: 1, queueLength: 1 };

  test('a session stands in line, the next is refused, and who gave up is forgotten', async () => {
    const provider = provide({ limits });
    await provider.acquire(spec('sess_first'));
    const places: number[] = [];
    const second = provider.acquire(spec('sess_second'), undefined, (place) => places.push(place));
    await until('it stands in line', 5000, () => places.length === 1);
    expect(places).toEqual([1]);
    expect(provider.protections().occupancy).toEqual({ ready: 0, booting: 0, used: 1, queued: 1 });
    await expect(provider.acquire(spec('sess_third'))).rejects.toMatchObject({
      code: 'rate_limited',
      reason: 'sandboxes_exhausted',
      message: expect.stringContaining('GANTRY_SANDBOX_MAX'),
    });
    await provider.release('sess_first');
    expect((await second).fresh).toBe(true);
    const leaving = new AbortController();
    const fourth = provider.acquire(spec('sess_fourth'), leaving.signal);
    leaving.abort(new Error('gone'));
    await expect(fourth).rejects.toThrow('gone');
    await until('nobody stands in line', 5000, () => provider.protections().occupancy?.queued === 0);
  });
});

describeWithDocker('the janitor', () => {
  const started = async (labels: Record<string, string>): Promise<string> => {
    const container = await docker.createContainer({
      Image: image,
      Entrypoint: ['sleep', '600'],
      Labels: { gantry: '1', ...labels },
      HostConfig: { NetworkMode: 'none' },
    });
    await container.start();
    return container.id;
  };
  const exists = (id: string): Promise<boolean> =>
    docker
      .getContainer(id)
      .inspect()
      .then(
        () => true,
        () => false,
      );

  test('of one provider leaves those of its living sibling in the same process alone', async () => {
    const owner = `${instanceId}-siblings`;
    const elder = provide({ instanceId: owner });
    const sandbox = await elder.acquire(spec('sess_elder'));
    const left = await started(ownerLabels(owner, processPlace('work_earlier')));
    provide({ instanceId: owner });
    await until('the sweep', 10_000, async () => !(await exists(left)));
    expect(await exists(sandbox.id)).toBe(true);
  });

  test('takes what dead processes left running, at the start and every hour, and nothing else', async () => {
    const owner = `${instanceId}-janitor`;
    const dead = spawn(process.execPath, ['-e', '']);
    const alive = spawn(process.execPath, ['-e', 'process.stdin.resume()'], {
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    await once(dead, 'exit');
    const madeBy = (pid: number | undefined) =>
      ownerLabels(owner, { ...processPlace(`work_${pid}`), pid: pid ?? 0 });
    const kept = await started(madeBy(alive.pid));
    const left = await started(madeBy(dead.pid));
    let everyHour: { readonly milliseconds: number; readonly work: () => void } | undefined;
    let stopped = false;
    const provider = provide({ instanceId: owner }, (milliseconds, work) => {
      everyHour = { milliseconds, work };
      return () => (stopped = true);
    });
    await until('the first sweep', 10_000, async () => !(await exists(left)));
    expect(await exists(kept)).toBe(true);

    const leftLater = await started(madeBy(dead.pid));
    expect(everyHour?.milliseconds).toBe(3_600_000);
    everyHour?.work();
    await until('the sweep of the hour', 10_000, async () => !(await exists(leftLater)));
    expect(await exists(kept)).toBe(true);

    const gone = once(alive, 'exit');
    alive.kill();
    await gone;
    everyHour?.work();
    await until('the last sweep', 10_000, async () => !(await exists(kept)));
    await provider.close();
    expect(stopped).toBe(true);
  });
});

describe('a host that cannot be used', () => {
  test('is told before anything starts', () => {
    expect(() => provide({ dockerHost: 'ssh://me:secret@far' })).toThrow('DOCKER_HOST takes no password');
  });
});
