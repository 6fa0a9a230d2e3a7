import { readdir, readFile } from 'node:fs/promises';

/** Living processes of a POSIX session (the leader was started with `setsid`), the leader's orphans included. */
export async function livingInSession(sessionId: number): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const stats = await Promise.all(
    pids.map((pid) => readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined)),
  );
  return stats
    .filter((stat) => stat !== undefined)
    .map(parseStat)
    .filter(({ session, state }) => session === sessionId && state !== 'Z' && state !== 'X')
    .map(({ pid }) => pid);
}

/** The program's name is in parentheses and may hold anything, so the fields are counted from its end. */
function parseStat(stat: string): { pid: number; state: string; session: number } {
  const [state = '', , , session = ''] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return { pid: Number.parseInt(stat, 10), state, session: Number(session) };
}
