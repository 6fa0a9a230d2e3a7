import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** The path that a launch sees: the system's programs, whatever the server was started with. */
export const SYSTEM_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

const ANSWER_WITHIN_MS = 10_000;
/** The newest of these came with bubblewrap 0.5. */
const NEEDED = ['--as-pid-1', '--clearenv', '--die-with-parent', '--new-session', '--seccomp', '--size'];

export type BubblewrapProgram =
  | { readonly kind: 'found'; readonly options: ReadonlySet<string> }
  | { readonly kind: 'unusable'; readonly reason: string };

/** The options that `bwrap --help` lists. */
export function optionsIn(help: string): ReadonlySet<string> {
  return new Set([...help.matchAll(/^\s+(--[a-z0-9-]+)/gm)].map(([, option = '']) => option));
}

/** Asks the program what it can do. Never rejects: none is an answer. */
export async function findBubblewrap(program: string): Promise<BubblewrapProgram> {
  try {
    const { stdout } = await promisify(execFile)(program, ['--help'], {
      env: { PATH: SYSTEM_PATH },
      timeout: ANSWER_WITHIN_MS,
    });
    const options = optionsIn(stdout);
    const missing = NEEDED.filter((option) => !options.has(option));
    if (missing.length === 0) return { kind: 'found', options };
    return {
      kind: 'unusable',
      reason: `This bubblewrap is too old, it lacks ${missing.join(', ')}. Install 0.5 or newer.`,
    };
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
      return {
        kind: 'unusable',
        reason: 'bubblewrap is not installed (Debian, as root: apt-get install bubblewrap).',
      };
    }
    const said = error instanceof Error ? error.message : 'unknown error';
    return { kind: 'unusable', reason: `bubblewrap does not run: ${said}` };
  }
}
