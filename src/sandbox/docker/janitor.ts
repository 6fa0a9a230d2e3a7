import type Docker from 'dockerode';

/** Containers of this data directory that stand still. A running one leaves by itself once its process is gone. */
async function findStanding(docker: Docker, instanceId: string): Promise<string[]> {
  const found = await docker.listContainers({
    all: true,
    filters: { label: ['gantry=1', `gantry.owner=${instanceId}`], status: ['created', 'exited', 'dead'] },
  });
  return found.map(({ Id }) => Id);
}

/**
 * Removes the containers that earlier processes of this instance left; says how many there were. What still stands
 * after `settle` was left: a sibling's container is started within moments of its creation.
 */
export async function sweepContainers(
  docker: Docker,
  instanceId: string,
  settle: () => Promise<unknown>,
): Promise<number> {
  const before = new Set(await findStanding(docker, instanceId));
  if (before.size === 0) return 0;
  await settle();
  const left = (await findStanding(docker, instanceId)).filter((id) => before.has(id));
  // One that leaves by itself meanwhile is no failure.
  await Promise.all(
    left.map((id) =>
      docker
        .getContainer(id)
        .remove({ force: true })
        .catch(() => undefined),
    ),
  );
  return left.length;
}
