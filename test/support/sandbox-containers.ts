import { until } from './until.js';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import Docker from 'dockerode';

/** The ids of the containers, running or not, that belong to the data directory `home` on this machine's engine, or another. */
export async function containersOf(home: string, docker = new Docker()): Promise<string[]> {
  const instance = (await readFile(join(home, 'instance-id'), 'utf8')).trim();
  const found = await docker.listContainers({
    all: true,
    filters: { label: ['gantry=1', `gantry.owner=${instance}`] },
  });
  return found.map(({ Id }) => Id);
}

export async function killContainer(id: string): Promise<void> {
  await new Docker().getContainer(id).kill({ signal: 'SIGKILL' });
}

/**
 * Resolves once the data directory has no container left; rejects after a bound. The engine removes a container
 * only after it has answered that it will.
 */
export async function untilNoContainers(home: string, docker = new Docker()): Promise<void> {
  await until(
    'the last container is removed',
    10_000,
    async () => (await containersOf(home, docker)).length === 0,
  );
}
