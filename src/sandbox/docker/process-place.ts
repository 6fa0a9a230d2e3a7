import { createHash } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

/** Which process made a container, and where that process can be looked for. */
export interface ProcessPlace {
  /** Never used twice. */
  readonly id: string;
  /** Equal for processes that see each other under the same numbers: one machine since its start, one namespace. */
  readonly place: string;
  readonly pid: number;
}

function read(work: () => string): string {
  try {
    return work().trim();
  } catch {
    return '';
  }
}

export function processPlace(id: string): ProcessPlace {
  const parts = [
    hostname(),
    read(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8')),
    read(() => readlinkSync('/proc/self/ns/pid')),
  ];
  return {
    id,
    place: createHash('sha256').update(parts.join('\0')).digest('hex').slice(0, 16),
    pid: process.pid,
  };
}

export function isProcessAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Another user's is alive too.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/** Those of this process that may still have containers. */
const making = new Set<string>();

/** This process, under a name of its own for one maker of containers in it. */
export function beginMaking(id: string): ProcessPlace {
  making.add(id);
  return processPlace(id);
}

export function endMaking({ id }: ProcessPlace): void {
  making.delete(id);
}

/** Whether a maker still may have containers; its process must be one of this process's place. */
export function isMaking({ id, pid }: Pick<ProcessPlace, 'id' | 'pid'>): boolean {
  // The number of a process that is gone may be this one's now, and in a container mostly is.
  return pid === process.pid ? making.has(id) : isProcessAlive(pid);
}
