import { readdir, readFile } from 'node:fs/promises';
import { containersOf } from '../../support/sandbox-containers.js';
import type { Rig } from '../rig.js';
import { sandboxMebibytes } from './sandbox-memory.js';
import { series, type Series } from './series.js';
import type { HeapFigures, ServerHeap } from './server-heap.js';

const OFTEN_MS = 5000;
/** A collection changes what is watched. */
const SELDOM_MS = 60_000;
const DOCKER_PID_FILE = '/var/run/docker.pid';

/** Series that are read one after the other, as often. */
export interface Watch {
  readonly everyMs: number;
  readonly series: readonly Series[];
}

/**
 * Of the server's memory, what is in use just after a collection shows a leak; the resident memory is also what
 * V8 and malloc keep because they once needed it.
 */
export function watchesOf(rig: Rig, heap: ServerHeap): readonly Watch[] {
  const containers = (): Promise<string[]> => containersOf(rig.home);
  let collected: HeapFigures;
  return [
    {
      everyMs: SELDOM_MS,
      series: [
        series('server, heap in use', 'MiB', 0.5, async () => {
          collected = await heap.figuresAfterCollection();
          return mebibytes(collected.heapUsed);
        }),
        series('server, external in use', 'MiB', 0.5, () => mebibytes(collected.external)),
      ],
    },
    {
      everyMs: OFTEN_MS,
      series: [
        series('server, heap reserved', 'MiB', 1, async () => mebibytes((await heap.figures()).heapTotal)),
        series('server, resident', 'MiB', 1, () => residentMebibytes(rig.pid)),
        series('server, descriptors', '', 1, async () => (await readdir(`/proc/${rig.pid}/fd`)).length),
        series('sandboxes, memory', 'MiB', 10, async () => sandboxMebibytes(await containers())),
        series('sandboxes', '', 0.5, async () => (await containers()).length),
        series('dockerd, resident', 'MiB', 1, async () =>
          residentMebibytes(Number(await readFile(DOCKER_PID_FILE, 'utf8'))),
        ),
      ],
    },
  ];
}

function mebibytes(bytes: number): number {
  return bytes / 2 ** 20;
}

export async function residentMebibytes(pid: number): Promise<number> {
  const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kibibytes) / 1024;
}
