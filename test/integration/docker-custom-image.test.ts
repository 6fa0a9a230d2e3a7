import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import Docker from 'dockerode';
import { afterAll, expect, test } from 'vitest';
import { DockerSandboxProvider } from '../../src/sandbox/docker/docker-sandbox-provider.js';
import { kernelVersion, sandboxImage, slimSandboxImage } from '../../src/sandbox/docker/sandbox-image.js';
import { SANDBOX_DEFAULTS } from '../../src/sandbox/kernel/sandbox-resources.js';
import { describeWithDocker } from '../support/docker.js';

interface Builder {
  kernelVersion(): string;
  slimSandboxImage(): string;
  makeCustomImage(options: {
    base: string;
    tag: string;
    log(line: string): void;
    env: NodeJS.ProcessEnv;
  }): Promise<{ state: string; image: string; reason?: string }>;
}

const folder = fileURLToPath(new URL('../../sandboxes', import.meta.url));
const builder: Builder = await import(`${folder}/build-image.mjs`);
const ours = await sandboxImage(folder);
const version = await kernelVersion(folder);
const docker = new Docker();
const prefix = `gantry-test-${process.pid}`;
const made: string[] = [];
const providers: DockerSandboxProvider[] = [];

async function imageFrom(name: string, dockerfile: string): Promise<string> {
  const tag = `${prefix}-${name}`;
  const build = spawn('docker', ['build', '--quiet', '--force-rm', '--pull=false', '--tag', tag, '-'], {
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  build.stdin.end(dockerfile);
  const [status] = (await once(build, 'exit')) as [number];
  expect(status).toBe(0);
  made.push(tag);
  return tag;
}

function makeFrom(base: string, name: string) {
  return builder.makeCustomImage({ base, tag: `${prefix}-${name}`, log: () => undefined, env: process.env });
}

function provide(image: string, kernel = version): DockerSandboxProvider {
  const provider = new DockerSandboxProvider(
    { ...SANDBOX_DEFAULTS, poolSize: 0, instanceId: prefix, image, kernelVersion: kernel },
    () => undefined,
  );
  providers.push(provider);
  return provider;
}

afterAll(async () => {
  await Promise.all(providers.map((provider) => provider.close()));
  for (const tag of made.toReversed())
    await docker
      .getImage(tag)
      .remove({ force: true })
      .catch(() => undefined);
});

test('set-up and server agree on the kernel and on the name of the slim image', async () => {
  expect([builder.kernelVersion(), builder.slimSandboxImage()]).toEqual([
    version,
    await slimSandboxImage(folder),
  ]);
});

describeWithDocker('an image of somebody’s own', () => {
  test('becomes a sandbox image that keeps what it brings, and only of this kernel', async () => {
    const base = await imageFrom(
      'base',
      `FROM ${ours}\nENV BROUGHT=along PYTHONPATH=/brought\nENTRYPOINT []\n`,
    );
    const result = await makeFrom(base, 'made');
    expect(result).toEqual({ state: 'ready', image: `${prefix}-made` });
    made.push(result.image);
    const provider = provide(result.image);
    await provider.ready();
    expect(provider.protections()).toMatchObject({ available: true, walls: { noCapabilities: true } });
    const sandbox = await provider.acquire({ sessionId: 'sess_own', runId: 'run_1', generation: 1 });
    const answer = await sandbox.exec(
      'import os, sys\n(os.environ["BROUGHT"], "/brought" in sys.path)',
      { timeoutMs: 20_000 },
      () => undefined,
      new AbortController().signal,
    );
    expect(answer.value).toBe("('along', True)");

    const later = provide(result.image, 'another');
    await later.ready();
    expect(later.protections().reason).toContain('carries the sandbox kernel of another version');
  });

  test('without python3, or that is not there, is refused with the reason', async () => {
    const bare = await makeFrom('debian:bookworm-slim', 'bare');
    expect(bare).toMatchObject({
      state: 'unavailable',
      reason: expect.stringContaining('the image has no python3'),
    });
    const absent = await makeFrom('gantry-test-absent', 'absent');
    expect(absent.reason).toContain('docker pull gantry-test-absent');
  });

  test('that declares volumes is refused by the builder', async () => {
    const base = await imageFrom('volumes', `FROM ${ours}\nVOLUME /data\n`);
    expect((await makeFrom(base, 'voluminous')).reason).toContain('declares volumes (/data)');
  });

  test('in which no kernel was put is refused with what to do', async () => {
    const provider = provide('debian:bookworm-slim');
    await provider.ready();
    expect(provider.protections().reason).toContain(
      'has no sandbox kernel. Make one that has with: node sandboxes/build-image.mjs --from debian:bookworm-slim',
    );
  });

  test('in which the kernel cannot start is refused at the start, with what it said', async () => {
    const image = await imageFrom(
      'broken',
      `FROM ${ours}\nENTRYPOINT ["python3", "-c", "raise SystemExit('this python is broken')", "gantry_kernel"]\n`,
    );
    const provider = provide(image);
    await provider.ready();
    expect(provider.protections()).toMatchObject({
      available: false,
      reason: expect.stringContaining('this python is broken'),
    });
  });
});
