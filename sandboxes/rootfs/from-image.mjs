import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { run } from './command.mjs';

/** What a runtime mounts over, and what marks a container. */
const LEFT_OUT = ['./dev/*', './proc/*', './sys/*', './.dockerenv'];

/**
 * Unpacks the image of a Docker engine into `root`. The container that reads it out removes itself, whatever becomes
 * of us.
 * @returns {Promise<string | undefined>} why it cannot be done, or nothing
 */
export async function unpackImage({ image, root, env }) {
  const there = await run('docker', ['image', 'inspect', image], { env });
  if (there.status === 127) return 'there is no docker command';
  if (there.status !== 0) return `the image ${image} is not to be had from a Docker engine`;
  mkdirSync(root, { recursive: true });
  const read = [
    'run',
    '--rm',
    '--network',
    'none',
    '--log-driver',
    'none',
    '--user',
    '0',
    '--entrypoint',
    'tar',
  ];
  const pack = [
    '--create',
    '--one-file-system',
    '--directory',
    '/',
    ...LEFT_OUT.map((path) => `--exclude=${path}`),
  ];
  const docker = spawn('docker', [...read, image, ...pack, '.'], {
    env,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const read_out = new Promise((resolve) => {
    docker.on('error', () => resolve(127));
    docker.on('close', resolve);
  });
  const unpacked = await run('tar', ['--extract', '--numeric-owner', '--directory', root], {
    env,
    input: docker.stdout,
  });
  if (unpacked.status !== 0) {
    docker.kill();
    return `tar could not unpack the image: ${unpacked.tail}`;
  }
  const status = await read_out;
  return status === 0 ? undefined : `docker run ended with ${status}`;
}
