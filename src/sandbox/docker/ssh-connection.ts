import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { Duplex } from 'node:stream';
import type { EngineAddress } from './engine-address.js';

const MAX_ERROR_TEXT = 2000;
const CONNECT_SECONDS = 10;

type SshAddress = Extract<EngineAddress, { kind: 'ssh' }>;

/** Never asks: nobody sits at the server's terminal. */
export function sshArguments({ host, user, port, socketPath }: SshAddress): string[] {
  return [
    '-o',
    'BatchMode=yes',
    '-o',
    `ConnectTimeout=${CONNECT_SECONDS}`,
    '-T',
    ...(user === undefined ? [] : ['-l', user]),
    ...(port === undefined ? [] : ['-p', String(port)]),
    '--',
    host,
    'docker',
    ...(socketPath === undefined ? [] : ['--host', `unix://${socketPath}`]),
    'system',
    'dial-stdio',
  ];
}

/**
 * One connection to an engine on another machine, through the system's own ssh and so with its keys,
 * known hosts and configuration, the way Docker's command line does it.
 */
export class SshConnection extends Duplex {
  readonly #child: ChildProcessWithoutNullStreams;
  #errorText = '';
  #answered = false;

  constructor(address: SshAddress) {
    super();
    this.#child = spawn('ssh', sshArguments(address), { stdio: 'pipe' });
    const { stdin, stdout, stderr } = this.#child;
    stdout.on('data', (chunk: Buffer) => {
      this.#answered = true;
      if (!this.destroyed && !this.push(chunk)) stdout.pause();
    });
    stderr.on('data', (chunk: Buffer) => {
      this.#errorText = (this.#errorText + chunk.toString('utf8')).slice(-MAX_ERROR_TEXT);
    });
    // Its cause comes with the end of the child.
    stdin.on('error', () => undefined);
    this.#child.on('error', (error: NodeJS.ErrnoException) =>
      this.destroy(error.code === 'ENOENT' ? new Error('there is no ssh command on this machine') : error),
    );
    this.#child.on('close', (status) => this.#end(status));
  }

  override _read(): void {
    this.#child.stdout.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    if (this.#child.stdin.writable) this.#child.stdin.write(chunk, () => done());
    else done();
  }

  override _final(done: () => void): void {
    this.#child.stdin.end(done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#child.kill('SIGKILL');
    done(error);
  }

  /** What an http agent asks of a socket that it keeps for later. */
  setKeepAlive(): this {
    return this;
  }

  setNoDelay(): this {
    return this;
  }

  setTimeout(): this {
    return this;
  }

  ref(): this {
    this.#child.ref();
    return this;
  }

  unref(): this {
    this.#child.unref();
    return this;
  }

  #end(status: number | null): void {
    if (this.destroyed) return;
    if (this.#answered) {
      this.push(null);
      this.destroy();
      return;
    }
    const said = this.#errorText.trim();
    this.destroy(new Error(said === '' ? `ssh ended with status ${String(status)}` : `ssh: ${said}`));
  }
}
