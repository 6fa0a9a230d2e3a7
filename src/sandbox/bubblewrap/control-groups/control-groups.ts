import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { randomBytes } from 'node:crypto';
import { readdir, readFile, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { controlGroupPlaces, type ControlGroupPlace } from './control-group-places.js';
import {
  makeControlGroup,
  removeControlGroup,
  type ControlGroup,
  type ControlGroupLimits,
} from './control-group.js';
import { isAbandoned, ownerName } from './owner-process.js';

const PROBE_LIMITS: ControlGroupLimits = { memoryBytes: 64 * 2 ** 20, pids: 16, cpus: 1 };

/** Waits for the end of its input, which is the end of whoever started it, however that came about; then clears up. */
const KEEPER = `
while read -r _; do :; done
turns=0
while [ "$turns" -lt 300 ]; do
  left=
  for prefix in "$@"; do
    for group in "$prefix"*; do
      [ -d "$group" ] || continue
      while read -r pid; do kill -9 "$pid"; done < "$group/cgroup.procs"
      rmdir "$group" || left=1
    done
  done
  [ -z "$left" ] && exit 0
  turns=$((turns + 1))
  sleep 0.1
done 2>/dev/null
`;

/** Groups of one provider. A small process beside the server removes them when the server is killed. */
export class ControlGroups {
  #made = 0;

  private constructor(
    private readonly place: ControlGroupPlace,
    private readonly prefix: string,
    private readonly keeper: ChildProcess,
  ) {}

  /** Where the account may make groups with every limit; undefined where it may not. Never rejects. */
  static async open(): Promise<ControlGroups | undefined> {
    const place = await findPlace();
    if (place === undefined) return undefined;
    const prefix = `${await ownerName()}-${randomBytes(4).toString('hex')}-`;
    const folders = foldersOf(place);
    await Promise.all(folders.map(sweep));
    const keeper = spawn(
      '/bin/sh',
      ['-c', KEEPER, 'gantry-keeper', ...folders.map((folder) => join(folder, prefix))],
      {
        // A session of its own: the signals of a terminal are meant for the server, which needs it to the end.
        detached: true,
        stdio: ['pipe', 'ignore', 'ignore'],
        env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
      },
    );
    keeper.on('error', () => undefined);
    keeper.stdin?.on('error', () => undefined);
    keeper.unref();
    return new ControlGroups(place, prefix, keeper);
  }

  get version(): 1 | 2 {
    return this.place.version;
  }

  make(limits: ControlGroupLimits): Promise<ControlGroup> {
    this.#made += 1;
    return makeControlGroup(this.place, `${this.prefix}${this.#made}`, limits);
  }

  /** The keeper removes what is left, then ends. */
  async close(): Promise<void> {
    if (this.keeper.exitCode !== null || this.keeper.signalCode !== null || this.keeper.pid === undefined)
      return;
    this.keeper.ref();
    const ended = once(this.keeper, 'exit');
    this.keeper.stdin?.end();
    await ended;
  }
}

function foldersOf(place: ControlGroupPlace): readonly string[] {
  return [...new Set(Object.values(place.folders))];
}

/** The first place where a group can really be made. */
async function findPlace(): Promise<ControlGroupPlace | undefined> {
  const [mountinfo, groups] = await Promise.all(
    ['/proc/self/mountinfo', '/proc/self/cgroup'].map((path) => readFile(path, 'utf8').catch(() => '')),
  );
  for (const place of controlGroupPlaces(mountinfo ?? '', groups ?? '')) {
    const name = `${await ownerName()}-${randomBytes(4).toString('hex')}-probe`;
    try {
      await removeControlGroup(await makeControlGroup(place, name, PROBE_LIMITS));
      return place;
    } catch {
      // Not here; what it said is of no use to anyone who has not set out to hand control groups over.
    }
  }
  return undefined;
}

/** Removes the empty groups of servers that are gone: those whose keeper was killed too. */
async function sweep(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  for (const name of names) {
    if (await isAbandoned(name)) await rmdir(join(folder, name)).catch(() => undefined);
  }
}
