import type Docker from 'dockerode';

/** Between its creation and its start a container of a live process looks like one that was left. */
const SETTLED_AFTER_SECONDS = 60;

/**
 * Removes the containers of this data directory that stand still: a running one leaves by itself once its
 * process is gone, and may be another worker's. Says how many there were.
 */
export async function sweepContainers(docker: Docker, instanceId: string): Promise<number> {
  const found = await docker.listContainers({
    all: true,
    filters: { label: ['gantry=1', `gantry.owner=${instanceId}`], status: ['created', 'exited', 'dead'] },
  });
  const settled = Date.now() / 1000 - SETTLED_AFTER_SECONDS;
  const left = found.filter(({ Created, State }) => State !== 'created' || Created < settled);
  // One that leaves by itself meanwhile is no failure.
  await Promise.all(
    left.map(({ Id }) =>
      docker
        .getContainer(Id)
        .remove({ force: true })
        .catch(() => undefined),
    ),
  );
  return left.length;
}
