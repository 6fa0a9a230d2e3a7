import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import Docker from 'dockerode';
import { describe } from 'vitest';
import { until } from './until.js';

/**
 * `describe` for tests that start a Docker engine beside this machine's. They are skipped only where `npm test` has found
 * that it cannot be, and says so in its last lines. Everywhere else a second engine that does not start makes them fail.
 */
export const describeWithTwoEngines = describe.runIf(
  process.env['GANTRY_TEST_WITHOUT_DOCKER'] === undefined &&
    process.env['GANTRY_TEST_WITHOUT_SECOND_ENGINE'] === undefined,
);

/** Shares nothing with this machine's engine but the kernel. */
export interface SecondEngine {
  /** For `DOCKER_HOST`. */
  readonly dockerHost: string;
  readonly docker: Docker;
  /** Rejects when it does not end; leaves neither processes nor files. */
  stop(): Promise<void>;
}

const BOUND_MS = 60_000;

/** An engine with this one image of the machine's own. Rejects with the end of its log when it does not come up. */
export async function startSecondEngine(image: string): Promise<SecondEngine> {
  const folder = await mkdtemp(join(tmpdir(), 'gantry-engine-'));
  const socketPath = join(folder, 'docker.sock');
  const { child, ended } = await launch(folder, socketPath);
  const docker = new Docker({ socketPath });
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    await ended;
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  };
  try {
    await until('the second engine answers', BOUND_MS, () => {
      if (child.exitCode !== null || child.signalCode !== null) throw new Error('it has ended');
      return docker.ping().then(
        () => true,
        () => false,
      );
    });
    await copyImage(image, docker);
  } catch (error) {
    const log = await readFile(join(folder, 'log'), 'utf8');
    await stop();
    throw new Error(`The second engine is not to be had:\n${log.slice(-2000)}`, { cause: error });
  }
  return { dockerHost: `unix://${socketPath}`, docker, stop };
}

/** Its containers have no network, so it needs neither a bridge nor rules of a firewall. */
async function launch(
  folder: string,
  socketPath: string,
): Promise<{ child: ChildProcess; ended: Promise<unknown> }> {
  const config = join(folder, 'daemon.json');
  await writeFile(config, '{}');
  const log = await open(join(folder, 'log'), 'a');
  const options = {
    host: `unix://${socketPath}`,
    'config-file': config,
    'data-root': join(folder, 'data'),
    'exec-root': join(folder, 'exec'),
    pidfile: join(folder, 'pid'),
    'containerd-namespace': 'gantry-test',
    'containerd-plugins-namespace': 'gantry-test-plugins',
    bridge: 'none',
    iptables: 'false',
    'ip-masq': 'false',
  };
  const path = [process.env['PATH'], '/usr/sbin', '/sbin'].filter(Boolean).join(delimiter);
  const child = spawn(
    'dockerd',
    Object.entries(options).map(([name, value]) => `--${name}=${value}`),
    { env: { ...process.env, PATH: path }, stdio: ['ignore', log.fd, log.fd] },
  );
  const ended = Promise.race([once(child, 'exit'), once(child, 'error')]);
  await log.close();
  return { child, ended };
}

async function copyImage(image: string, to: Docker): Promise<void> {
  const archive = await new Docker().getImage(image).get();
  const progress = await to.loadImage(archive);
  await new Promise<void>((resolve, reject) => {
    to.modem.followProgress(progress, (error) => (error ? reject(error) : resolve()));
  });
}
