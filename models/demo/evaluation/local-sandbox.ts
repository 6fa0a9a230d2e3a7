import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process';
import { createInterface, type Interface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import type {
  ExecutionLimits,
  ExecutionResult,
  OutputSink,
  Sandbox,
  SandboxProtections,
  SandboxProvider,
} from '../../../src/sandbox/sandbox.js';

const DRIVER = fileURLToPath(new URL('./python_driver.py', import.meta.url));
const PYTHON = '/usr/bin/python3';
const ENVIRONMENT = { PATH: '/usr/bin:/bin', LANG: 'C.UTF-8', HOME: '/nonexistent' };

const driverAnswer = z.object({
  value: z.string().nullish(),
  exception: z.string().optional(),
  figures: z.number(),
  stdout: z.string(),
  stderr: z.string(),
});

const NOTHING = {
  stateKept: true,
  stdout: '',
  stderr: '',
  droppedBytes: 0,
  images: [],
  videoFrames: [],
  videoFrameCount: 0,
  durationMs: 0,
  changes: [],
} as const;

/** Python and bash as plain processes in one folder: no walls at all, so only for models and prompts one trusts. */
export class LocalSandbox implements Sandbox {
  readonly id = 'local';
  readonly fresh = true;
  private readonly python: ChildProcessWithoutNullStreams;
  private readonly lines: AsyncIterator<string>;
  private readonly reader: Interface;

  constructor(readonly workingDirectory: string) {
    this.python = spawn(PYTHON, [DRIVER], { cwd: workingDirectory, env: ENVIRONMENT });
    this.python.stdin.on('error', () => undefined);
    this.reader = createInterface(this.python.stdout);
    this.lines = this.reader[Symbol.asyncIterator]();
  }

  async exec(code: string, limits: ExecutionLimits, onOutput: OutputSink): Promise<ExecutionResult> {
    this.python.stdin.write(`${JSON.stringify({ code })}\n`);
    const timer = setTimeout(() => this.python.kill('SIGKILL'), limits.timeoutMs);
    const line = await this.lines.next();
    clearTimeout(timer);
    if (line.done === true) return { ...NOTHING, outcome: 'timed_out', stateKept: false };
    const { value, exception, figures, stdout, stderr } = driverAnswer.parse(JSON.parse(line.value));
    await onOutput({ stream: 'stdout', text: stdout });
    return {
      ...NOTHING,
      outcome: exception === undefined ? 'completed' : 'failed',
      stdout,
      stderr,
      ...(exception === undefined ? {} : { exception }),
      ...(value === null || value === undefined ? {} : { value }),
      images: Array.from({ length: figures }, () => ({ mimeType: 'image/png', data: new Uint8Array() })),
    };
  }

  shell(commands: readonly string[], limits: ExecutionLimits): Promise<ExecutionResult> {
    const loop = 'for command in "$@"; do eval "$command"; done';
    const { status, stdout, stderr } = spawnSync('/bin/bash', ['-c', loop, 'bash', ...commands], {
      cwd: this.workingDirectory,
      env: ENVIRONMENT,
      timeout: limits.timeoutMs,
      encoding: 'utf8',
    });
    const outcome = status === null ? 'timed_out' : status === 0 ? 'completed' : 'failed';
    return Promise.resolve({ ...NOTHING, outcome, stdout, stderr, ...(status === null ? {} : { exitCode: status }) });
  }

  list(): Promise<readonly never[]> {
    return Promise.resolve([]);
  }

  // eslint-disable-next-line require-yield -- the tools read files from the workspace, never from here
  async *read(): AsyncGenerator<Uint8Array> {
    throw new Error('not used');
  }

  write(): Promise<void> {
    return Promise.resolve();
  }

  remove(): Promise<void> {
    return Promise.resolve();
  }

  interrupt(): Promise<void> {
    this.python.kill('SIGINT');
    return Promise.resolve();
  }

  close(): Promise<void> {
    this.reader.close();
    this.python.kill('SIGKILL');
    return Promise.resolve();
  }

}

const PROTECTIONS: SandboxProtections = { provider: 'none', available: true, network: 'unrestricted', notes: [] };

/** For the tools' constructors; the sandbox itself comes from the workspace. */
export const LOCAL_PROVIDER: SandboxProvider = {
  protections: () => PROTECTIONS,
  ready: () => Promise.resolve(),
  acquire: () => Promise.reject(new Error('not used')),
  current: () => undefined,
  release: () => Promise.resolve(),
  close: () => Promise.resolve(),
};
