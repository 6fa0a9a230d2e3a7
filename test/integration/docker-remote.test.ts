import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeSandboxConformance } from '../../src/sandbox/conformance.suite.js';
import { DockerSandboxProvider } from '../../src/sandbox/docker/docker-sandbox-provider.js';
import type { DockerSandboxOptions } from '../../src/sandbox/docker/docker-sandbox-options.js';
import { isProcessAlive } from '../../src/sandbox/docker/process-place.js';
import { sandboxImage } from '../../src/sandbox/docker/sandbox-image.js';
import { SANDBOX_DEFAULTS } from '../../src/sandbox/kernel/sandbox-resources.js';
import { describeWithDocker } from '../support/docker.js';
import {
  type EngineProxy,
  type EngineProxyOptions,
  engineSocket,
  startEngineProxy,
} from '../support/engine-proxy.js';
import { startLeakCheck } from '../support/leak-check.js';
import { installSshStandIn } from '../support/ssh-stand-in.js';
import { makeTestCertificates, type TestCertificates } from '../support/test-certificates.js';
import { until } from '../support/until.js';

const image = await sandboxImage(fileURLToPath(new URL('../../sandboxes', import.meta.url)));
const instanceId = `test-remote-${process.pid}`;
const leaks = startLeakCheck();
const proxies: EngineProxy[] = [];
let folder = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gantry-remote-'));
});

afterAll(async () => {
  await Promise.all(proxies.map((proxy) => proxy.close()));
  await rm(folder, { recursive: true, force: true });
  await leaks.verify();
});

async function proxy(options: EngineProxyOptions = {}): Promise<EngineProxy> {
  const started = await startEngineProxy(options);
  proxies.push(started);
  return started;
}

function providerFor(options: Partial<DockerSandboxOptions>): DockerSandboxProvider {
  return new DockerSandboxProvider(
    { ...SANDBOX_DEFAULTS, poolSize: 0, instanceId, image, ...options },
    () => undefined,
  );
}

/** Runs code, and takes a file of some size in and out again. */
async function works(options: Partial<DockerSandboxOptions>): Promise<void> {
  const provider = providerFor(options);
  try {
    await provider.ready();
    expect(provider.protections()).toMatchObject({ available: true });
    const sandbox = await provider.acquire({ sessionId: 'sess_far', runId: 'run_1', generation: 1 });
    const result = await sandbox.exec(
      '6 * 7',
      { timeoutMs: 20_000 },
      () => undefined,
      new AbortController().signal,
    );
    expect(result).toMatchObject({ outcome: 'completed', value: '42' });
    const data = Buffer.alloc(2 * 2 ** 20 + 1, 'x');
    await sandbox.write('data.bin', data);
    const chunks: Uint8Array[] = [];
    for await (const chunk of sandbox.read('data.bin', data.length)) chunks.push(chunk);
    expect(Buffer.concat(chunks).equals(data)).toBe(true);
  } finally {
    await provider.close();
  }
}

/** Why there are no sandboxes. */
async function reasonOf(options: Partial<DockerSandboxOptions>): Promise<string> {
  const provider = providerFor(options);
  try {
    await provider.ready();
    const spec = { sessionId: 'sess_far', runId: 'run_1', generation: 1 };
    await expect(provider.acquire(spec)).rejects.toMatchObject({ code: 'unavailable' });
    return provider.protections().reason ?? '';
  } finally {
    await provider.close();
  }
}

describeWithDocker('an engine over TCP', () => {
  describeSandboxConformance('the Docker provider behind a slow network', async () => {
    const { port } = await proxy({ delayMs: 4 });
    return providerFor({ dockerHost: `tcp://127.0.0.1:${port}`, poolSize: 1 });
  });

  test('that is not there is missed at once, by its address', async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => {
      taken.listen(0, '127.0.0.1', resolve);
    });
    const address = taken.address();
    const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
    await new Promise((resolve) => {
      taken.close(resolve);
    });
    const reason = await reasonOf({ dockerHost: `tcp://127.0.0.1:${port}` });
    expect(reason).toContain(`No Docker engine answers at 127.0.0.1:${port}`);
    expect(reason).toContain('Check DOCKER_HOST');
  });

  test('that speaks something else is no engine', async () => {
    const other = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.resume();
      socket.end('220 mail.example ready\r\n');
    });
    await new Promise<void>((resolve) => {
      other.listen(0, '127.0.0.1', resolve);
    });
    const address = other.address();
    const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
    const reason = await reasonOf({ dockerHost: `tcp://127.0.0.1:${port}` });
    await new Promise((resolve) => {
      other.close(resolve);
    });
    expect(reason).toContain('No Docker engine answers');
  });
});

describeWithDocker('an engine that stops in mid-call', () => {
  test('loses the call, is missed while it is away, and is used again when it is back', async () => {
    const engine = await proxy();
    const provider = providerFor({ dockerHost: `tcp://127.0.0.1:${engine.port}`, poolSize: 1 });
    const spec = { sessionId: 'sess_cut', runId: 'run_1', generation: 1 };
    try {
      const sandbox = await provider.acquire(spec);
      const cut = Promise.withResolvers<void>();
      const result = await sandbox.exec(
        'import time\nprint("begun", flush=True)\ntime.sleep(600)',
        { timeoutMs: 20_000 },
        () => engine.cut().then(cut.resolve),
        new AbortController().signal,
      );
      expect(result).toMatchObject({ outcome: 'sandbox_lost', stateKept: false, stdout: 'begun\n' });
      await cut.promise;
      await expect(provider.acquire(spec)).rejects.toMatchObject({
        code: 'unavailable',
        message: expect.stringContaining('No Docker engine answers'),
      });
      expect(provider.protections().available).toBe(false);
      await engine.mend();
      const next = await provider.acquire(spec);
      expect(next.fresh).toBe(true);
      expect(
        await next.exec('1 + 1', { timeoutMs: 20_000 }, () => undefined, new AbortController().signal),
      ).toMatchObject({ value: '2' });
      await until('the engine is known to be back', 5000, () => provider.protections().available);
    } finally {
      await provider.close();
    }
  });
});

describeWithDocker('an engine over TLS', () => {
  let certificates: TestCertificates;
  let dockerHost = '';

  beforeAll(async () => {
    certificates = makeTestCertificates(join(folder, 'authority'));
    const tls = { ...certificates.server, requestCert: true, rejectUnauthorized: true };
    const { port } = await proxy({ delayMs: 1, tls });
    dockerHost = `tcp://127.0.0.1:${port}`;
  });

  test('is used when both know each other', async () => {
    await works({ dockerHost, certPath: certificates.clientFolder, tlsVerify: true });
    await works({ dockerHost: dockerHost.replace('tcp', 'https'), certPath: certificates.clientFolder });
  });

  test('is not believed when another authority signed its certificate', async () => {
    const other = makeTestCertificates(join(folder, 'other-authority'));
    const reason = await reasonOf({ dockerHost, certPath: other.clientFolder, tlsVerify: true });
    expect(reason).toMatch(/certificate|signature/i);
    expect(reason).toContain('DOCKER_CERT_PATH');
  });

  test('refuses who brings no certificate, and plain HTTP', async () => {
    const strange = makeTestCertificates(join(folder, 'strange-authority'));
    // Without verification, as Docker does it, the engine's certificate passes, ours still has to.
    expect(await reasonOf({ dockerHost, certPath: strange.clientFolder })).toContain(
      'No Docker engine answers',
    );
    expect(await reasonOf({ dockerHost })).toContain('No Docker engine answers');
  });

  test('needs the three files', () => {
    expect(() => providerFor({ dockerHost, certPath: join(folder, 'nothing') })).toThrow(
      'DOCKER_CERT_PATH must be a folder with ca.pem, cert.pem and key.pem',
    );
  });
});

describeWithDocker('an engine over ssh', () => {
  test('is used through the system’s ssh, which leaves no process', async () => {
    const ssh = installSshStandIn(join(folder, 'bin'), engineSocket());
    try {
      await works({ dockerHost: 'ssh://me@far.example:2222' });
      const calls = ssh.calls();
      expect(calls.length).toBeGreaterThan(1);
      for (const { args } of calls) {
        expect(args.join(' ')).toContain('-l me -p 2222 -- far.example docker system dial-stdio');
      }
      await until('every ssh has ended', 5000, () => calls.every(({ pid }) => !isProcessAlive(pid)));
    } finally {
      ssh.remove();
    }
  });

  test('tells what ssh said when it is refused, and when there is no ssh', async () => {
    const ssh = installSshStandIn(join(folder, 'refusing'), engineSocket());
    ssh.refuse();
    try {
      const reason = await reasonOf({ dockerHost: 'ssh://me@far.example' });
      expect(reason).toContain('Permission denied (publickey)');
      expect(reason).toContain('`ssh me@far.example docker version` must work');
    } finally {
      ssh.remove();
    }
    const before = process.env['PATH'];
    process.env['PATH'] = folder;
    try {
      expect(await reasonOf({ dockerHost: 'ssh://me@far.example' })).toContain('there is no ssh command');
    } finally {
      process.env['PATH'] = before;
    }
  });
});
