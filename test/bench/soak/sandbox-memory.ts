import { readFile } from 'node:fs/promises';
import Docker from 'dockerode';

/** Pids by container: they do not change while it runs. */
const pids = new Map<string, number>();

/** What the control groups of these containers count, files in memory included, in MiB. One that leaves meanwhile counts nothing. */
export async function sandboxMebibytes(containers: readonly string[]): Promise<number> {
  for (const id of pids.keys()) if (!containers.includes(id)) pids.delete(id);
  const docker = new Docker();
  const used = await Promise.all(containers.map((id) => bytesUsedBy(docker, id).catch(() => 0)));
  return used.reduce((sum, bytes) => sum + bytes, 0) / 2 ** 20;
}

async function bytesUsedBy(docker: Docker, id: string): Promise<number> {
  const pid = pids.get(id) ?? (await docker.getContainer(id).inspect()).State.Pid;
  if (pid === 0) return 0;
  pids.set(id, pid);
  const groups = await readFile(`/proc/${pid}/cgroup`, 'utf8');
  const memory = /^\d+:memory:(.*)$/m.exec(groups)?.[1];
  const unified = /^0::(.*)$/m.exec(groups)?.[1] ?? '';
  const path =
    memory === undefined
      ? `/sys/fs/cgroup${unified}/memory.current`
      : `/sys/fs/cgroup/memory${memory}/memory.usage_in_bytes`;
  return Number(await readFile(path, 'utf8'));
}
