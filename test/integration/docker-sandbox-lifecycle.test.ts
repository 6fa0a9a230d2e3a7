import Docker from 'dockerode';
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { DockerSandboxProvider } from '../../src/sandbox/docker/docker-sandbox-provider.js';
import type { DockerSandboxOptions } from '../../src/sandbox/docker/docker-sandbox-options.js';
import { sandboxImage } from '../../src/sandbox/docker/sandbox-image.js';
import { SOURCE_FLAGS } from '../../src/run-from-source.js';
import { SANDBOX_DEFAULTS } from '../../src/sandbox/kernel/sandbox-resources.js';
import type { ExecutionResult, Sandbox, SandboxOutput } from '../../src/sandbox/sandbox.js';

const folder = fileURLToPath(new URL('../../sandboxes', import.meta.url));
const image = await sandboxImage(folder);
const docker = new Docker();
const instanceId = `test-lifecycle-${process.pid}`;
const providers: DockerSandboxProvider[] = [];

function provide(options: Partial<DockerSandboxOptions> = {}): DockerSandboxProvider {
  const provider = new DockerSandboxProvider(
    { ...SANDBOX_DEFAULTS, poolSize: 0, instanceId, image, ...options },
    () => undefined,
  );
  providers.push(provider);
  return provider;
}

const spec = (sessionId: string) => ({ sessionId, runId: 'run_1', generation: 3 });

function exec(sandbox: Sandbox, code: string, onOutput: (piece: SandboxOutput) => void = () => undefined) {
  return sandbox.exec(code, { timeoutMs: 20_000 }, onOutput, new AbortController().signal);
}

function containersOf(owner: string): Promise<Docker.ContainerInfo[]> {
  return docker.listContainers({ all: true, filters: { label: [`gantry.owner=${owner}`] } });
}

async function eventually(condition: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 15_000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error('it did not come true in 15 s');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

afterAll(async () => {
  await Promise.all(providers.map((provider) => provider.close()));
  await eventually(async () => (await containersOf(instanceId)).length === 0);
});

describe('what a call brings back', () => {
  const provider = provide();

  test('output arrives while the code runs', async () => {
    const sandbox = await provider.acquire(spec('sess_live'));
    const first = Promise.withResolvers<void>();
    let over = false;
    const running = exec(
      sandbox,
      'import os, time\nprint("begun")\nwhile not os.path.exists("/tmp/go"): time.sleep(0.01)',
      () => first.resolve(),
    ).finally(() => (over = true));
    await first.promise;
    expect(over).toBe(false);
    await sandbox.interrupt();
    expect((await running).outcome).toBe('interrupted');
  });

  test('figures left open, shown, or saved and closed become images, each once', async () => {
    const sandbox = await provider.acquire(spec('sess_live'));
    const images = async (code: string): Promise<ExecutionResult> => {
      const result = await exec(sandbox, `import matplotlib.pyplot as plt\n${code}`);
      expect(result.exception).toBeUndefined();
      for (const { mimeType, data } of result.images) {
        expect([mimeType, Buffer.from(data.subarray(1, 4)).toString()]).toEqual(['image/png', 'PNG']);
      }
      return result;
    };
    expect((await images('plt.plot([1, 2]);')).images).toHaveLength(1);
    expect((await images('plt.plot([1]); plt.show()')).images).toHaveLength(1);
    const saved = await images('plt.plot([1]); plt.savefig("plot.png"); plt.close()');
    expect(saved.images).toHaveLength(1);
    expect(saved.changes).toMatchObject([{ change: 'created', path: 'plot.png' }]);
    expect((await images('plt.figure(); plt.figure(); None')).images).toHaveLength(2);
    expect((await images('from PIL import Image\nImage.new("RGB", (4, 4))')).images).toHaveLength(1);
    expect((await images('1')).images).toHaveLength(0);
  });

  test('an animation becomes frames', async () => {
    const sandbox = await provider.acquire(spec('sess_live'));
    const result = await exec(
      sandbox,
      `from matplotlib.animation import FuncAnimation
figure, axes = plt.subplots(figsize=(1, 1))
line, = axes.plot([0, 1])
animation = FuncAnimation(figure, lambda i: line.set_ydata([i, 1]), frames=5)`,
    );
    expect(result).toMatchObject({ outcome: 'completed', videoFrameCount: 5, images: [] });
    expect(result.videoFrames.map(({ mimeType }) => mimeType)).toEqual(Array(5).fill('image/jpeg'));
  });
});

describe('the life of a container', () => {
  test('it carries its labels and leaves nothing behind', async () => {
    const owner = `${instanceId}-labels`;
    const provider = provide({ instanceId: owner });
    await provider.acquire(spec('sess_labels'));
    const [container] = await containersOf(owner);
    expect(container?.Labels).toMatchObject({
      gantry: '1',
      'gantry.session': 'sess_labels',
      'gantry.run': 'run_1',
      'gantry.generation': '3',
    });
    await provider.close();
    await eventually(async () => (await containersOf(owner)).length === 0);
  });

  test('a container killed in mid-call loses the call, and the session gets another', async () => {
    const provider = provide();
    const sandbox = await provider.acquire(spec('sess_killed'));
    const result = await exec(sandbox, 'import time\nprint("begun")\ntime.sleep(600)', () => {
      void docker
        .getContainer(sandbox.id)
        .kill()
        .catch(() => undefined);
    });
    expect(result).toMatchObject({ outcome: 'sandbox_lost', stateKept: false, stdout: 'begun\n' });
    const next = await provider.acquire(spec('sess_killed'));
    expect(next.fresh).toBe(true);
    expect((await exec(next, '1 + 1')).value).toBe('2');
  });

  test('a container that answers nobody is destroyed five seconds after the limit', async () => {
    const provider = provide();
    const sandbox = await provider.acquire(spec('sess_frozen'));
    const result = await sandbox.exec(
      'import time\nprint("begun")\ntime.sleep(600)',
      { timeoutMs: 500 },
      () =>
        void docker
          .getContainer(sandbox.id)
          .pause()
          .catch(() => undefined),
      new AbortController().signal,
    );
    expect(result).toMatchObject({ outcome: 'sandbox_lost', stdout: 'begun\n' });
    expect(result.durationMs).toBeLessThan(8000);
    await eventually(async () => (await containersOf(instanceId)).every(({ Id }) => Id !== sandbox.id));
  });

  test('an idle sandbox is destroyed', async () => {
    const provider = provide({ idleMs: 100 });
    await provider.acquire(spec('sess_idle'));
    await eventually(async () => provider.current('sess_idle') === undefined);
    expect((await provider.acquire(spec('sess_idle'))).fresh).toBe(true);
  });

  test('a start sweeps what an earlier process of the same instance left, and nothing else', async () => {
    const owner = `${instanceId}-sweep`;
    const leave = (label: string) =>
      docker.createContainer({ Image: image, Labels: { gantry: '1', 'gantry.owner': label } });
    await leave(owner);
    const other = await leave(`${owner}-other`);
    await provide({ instanceId: owner, poolSize: 0 }).ready();
    await eventually(async () => (await containersOf(owner)).length === 0);
    expect(await containersOf(`${owner}-other`)).toHaveLength(1);
    await other.remove();
  });

  test('kill -9 of the server ends its containers, and the next start removes one that was only created', async () => {
    const owner = `${instanceId}-kill`;
    const script = `
      import { DockerSandboxProvider } from './src/sandbox/docker/docker-sandbox-provider.ts';
      const options = JSON.parse(process.argv[1]);
      const provider = new DockerSandboxProvider(options, () => undefined);
      const sandbox = await provider.acquire({ sessionId: 's', runId: 'r', generation: 1 });
      await sandbox.exec('import time; print(1); time.sleep(600)', { timeoutMs: 600000 }, () => process.stdout.write('running'), new AbortController().signal);
    `;
    const options = { ...SANDBOX_DEFAULTS, poolSize: 1, instanceId: owner, image };
    const child = spawn(
      process.execPath,
      [...SOURCE_FLAGS, '--input-type=module', '-e', script, JSON.stringify(options)],
      {
        cwd: fileURLToPath(new URL('../..', import.meta.url)),
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    await new Promise((resolve, reject) => {
      child.stdout.once('data', resolve);
      child.once('exit', (status) => reject(new Error(`the server ended with ${String(status)}`)));
    });
    expect((await containersOf(owner)).length).toBeGreaterThan(0);
    child.kill('SIGKILL');
    await eventually(async () => (await containersOf(owner)).every(({ State }) => State === 'created'));
    await provide({ instanceId: owner, poolSize: 0 }).ready();
    await eventually(async () => (await containersOf(owner)).length === 0);
  });
});

describe('what is missing is said, not waited for', () => {
  test('a missing image', async () => {
    const provider = provide({ image: 'gantry-sandbox:absent' });
    await provider.ready();
    expect(provider.protections()).toMatchObject({ available: false });
    expect(provider.protections().reason).toContain('node sandboxes/build-image.mjs');
    await expect(provider.acquire(spec('sess_none'))).rejects.toMatchObject({ code: 'unavailable' });
  });

  test('a missing engine', async () => {
    const provider = provide({ dockerHost: 'unix:///nonexistent/docker.sock' });
    await provider.ready();
    expect(provider.protections().reason).toContain('No Docker engine answers');
    await expect(provider.acquire(spec('sess_none'))).rejects.toMatchObject({ code: 'unavailable' });
  });

  test('an unknown runtime', async () => {
    const provider = provide({ runtime: 'no-such-runtime' });
    await provider.ready();
    expect(provider.protections().reason).toContain('does not know the runtime no-such-runtime');
  });

  test('set-up and server agree on the name of the image', async () => {
    const setUp: { sandboxImage(): string } = await import(`${folder}/build-image.mjs`);
    expect(setUp.sandboxImage()).toBe(image);
  });
});
