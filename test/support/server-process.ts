import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { PROJECT_ROOT } from '../../src/config/project-root.js';
import { livingInSession } from './process-session.js';
import { until } from './until.js';

export const TEST_API_KEY = 'test-key-of-sixteen-or-more';

/** A busy machine takes long to load the model and boot the first container. */
const START_BOUND_MS = 60_000;
const END_BOUND_MS = 30_000;

export interface ProgramOptions {
  readonly home: string;
  /** Absent: the program runs its own database below `home`. */
  readonly databaseUrl?: string;
  /** Variables of the configuration. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** A program of ours as its own process, in a session of its own so that nothing it started can hide. */
export interface Program {
  readonly pid: number;
  /** All that it printed. */
  output(): string;
  /** SIGKILL to the one process, as a crash would; what it had started must end by itself. */
  kill(): Promise<void>;
  /** SIGTERM; rejects when it does not end with code 0. */
  stop(): Promise<void>;
}

export interface ServerProcess extends Program {
  readonly url: string;
  readonly port: number;
}

/** The built server, ready to work messages. `port` absent: a free one. */
export async function startServer(options: ProgramOptions & { port?: number }): Promise<ServerProcess> {
  const program = await startUnready(options);
  try {
    await until(`ready at ${program.url}`, START_BOUND_MS, async () => {
      requireAlive(program);
      return isReady(program.url);
    });
  } catch (error) {
    await program.kill();
    throw new Error(`The server did not get ready:\n${program.output().slice(-2000)}`, { cause: error });
  }
  return program;
}

/** The built server once it listens, whether or not it can work messages. */
export async function startUnready(options: ProgramOptions & { port?: number }): Promise<ServerProcess> {
  const program = launch('main.js', {
    ...options,
    environment: { PORT: String(options.port ?? 0), ...options.environment },
  });
  const url = await printed(program, /Gantry is at (http:\/\/\S+)/);
  return { ...program, url, port: Number(new URL(url).port) };
}

/** A process that only works runs. */
export async function startWorker(options: ProgramOptions): Promise<Program> {
  const program = launch('worker.main.js', options);
  await printed(program, /(The Gantry worker takes runs)/);
  return program;
}

export async function isReady(url: string): Promise<boolean> {
  return fetch(`${url}/ready`).then(
    (response) => response.ok,
    () => false,
  );
}

interface LaunchedProgram extends Program {
  readonly child: ChildProcess;
}

function launch(entry: string, { home, databaseUrl, environment }: ProgramOptions): LaunchedProgram {
  const child = spawn(process.execPath, ['--no-node-snapshot', join(PROJECT_ROOT, 'dist', 'src', entry)], {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env['PATH'],
      HOME: process.env['HOME'],
      GANTRY_HOME: home,
      GANTRY_API_KEY: TEST_API_KEY,
      LOG_LEVEL: 'info',
      ...(databaseUrl === undefined ? {} : { DATABASE_URL: databaseUrl }),
      ...environment,
    },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output = (output + text).slice(-1_000_000);
    });
  }
  const { pid } = child;
  if (pid === undefined) throw new Error('the program could not be started');
  const closed = once(child, 'exit');
  const gone = async (): Promise<number | null> => {
    const [code] = (await closed) as [number | null];
    // What it had started ends with it; a test must never leave anything behind, so the rest is ended here.
    await until(
      `the children of ${pid} end`,
      END_BOUND_MS,
      async () => (await livingInSession(pid)).length === 0,
    ).catch(async (error: unknown) => {
      for (const left of await livingInSession(pid)) process.kill(left, 'SIGKILL');
      throw error;
    });
    return code;
  };
  return {
    child,
    pid,
    output: () => output,
    kill: async () => {
      child.kill('SIGKILL');
      await gone();
    },
    stop: async () => {
      child.kill('SIGTERM');
      const code = await gone();
      if (code !== 0) throw new Error(`The program ended with ${code}:\n${output.slice(-3000)}`);
    },
  };
}

async function printed(program: LaunchedProgram, pattern: RegExp): Promise<string> {
  try {
    return await until(`prints ${pattern.source}`, START_BOUND_MS, () => {
      requireAlive(program);
      return pattern.exec(program.output())?.[1];
    });
  } catch (error) {
    await program.kill();
    throw new Error(`The program did not start:\n${program.output().slice(-2000)}`, { cause: error });
  }
}

function requireAlive(program: Program & { readonly child?: ChildProcess }): void {
  if (program.child && (program.child.exitCode !== null || program.child.signalCode !== null)) {
    throw new Error('the program has ended');
  }
}
