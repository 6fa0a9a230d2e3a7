import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PROJECT_ROOT } from '../../src/config/project-root.js';
import { startEmbeddedPostgres } from '../../src/database/embedded-postgres.js';
import { isReady } from '../support/server-process.js';
import { until } from '../support/until.js';
import { figureOf, type Figures, interleave, printHeading, printRatio, printRow } from './measure.js';

const ROUNDS = 3;
/** The first start may have to build. */
const BOUND_MS = 180_000;

/** `npm start` where all is set up, until a message can be worked, next to a bare Node and a bare PostgreSQL. */
export async function benchStartup(): Promise<void> {
  const home = await mkdtemp(join(tmpdir(), 'gantry-bench-startup-'));
  // PostgreSQL's own account passes through here when the bench runs as root.
  await chmod(home, 0o711);
  try {
    const { start, parts } = await interleave(
      { warmUp: 1, rounds: ROUNDS },
      { start: () => npmStart(join(home, 'server')), parts: () => bareParts(join(home, 'bare')) },
    );
    printHeading(`startup: ${ROUNDS} rounds, data directory and build there already`);
    printRow('npm start to listening', figureOf(start, 'listeningMs'), 'ms');
    printRow('npm start to /ready', figureOf(start, 'ms'), 'ms');
    printRow('node -e 0 and PostgreSQL start', figureOf(parts, 'ms'), 'ms');
    printRatio('npm start / bare', figureOf(start, 'ms'), figureOf(parts, 'ms'));
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

async function npmStart(home: string): Promise<Figures> {
  const started = performance.now();
  const child = spawn('npm', ['start'], {
    cwd: PROJECT_ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, GANTRY_HOME: home, PORT: '0' },
  });
  const ended = once(child, 'exit');
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  try {
    const url = await until('npm start prints its address', BOUND_MS, () => {
      if (child.exitCode !== null || child.signalCode !== null) throw new Error('npm start ended');
      return /Gantry is at (http:\S+)/.exec(output)?.[1];
    });
    const listeningMs = performance.now() - started;
    await until('the server is ready', BOUND_MS, () => isReady(url));
    return { ms: performance.now() - started, listeningMs };
  } catch (error) {
    throw new Error(`npm start did not get ready:\n${output.slice(-2000)}`, { cause: error });
  } finally {
    child.kill('SIGTERM');
    await ended;
  }
}

async function bareParts(home: string): Promise<Figures> {
  const started = performance.now();
  await once(spawn(process.execPath, ['-e', '0'], { stdio: 'ignore' }), 'exit');
  const postgres = await startEmbeddedPostgres({ directory: join(home, 'postgres'), log: () => undefined });
  const ms = performance.now() - started;
  await postgres.stop();
  return { ms };
}
