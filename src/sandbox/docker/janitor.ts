import type Docker from 'dockerode';

/** Removes the containers that an earlier process of this instance left; says how many there were. */
export async function sweepContainers(docker: Docker, instanceId: string): Promise<number> {
  const left = await docker.listContainers({
    all: true,
    filters: { label: ['gantry=1', `gantry.owner=${instanceId}`] },
  });
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
