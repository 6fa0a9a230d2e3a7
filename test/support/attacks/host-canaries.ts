import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { hostname, networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';

const FILE = 'secret';
const SOCKET = 'socket';
const CORE_PATTERN = '/proc/sys/kernel/core_pattern';
const CLOCK_TOLERANCE_MS = 1500;

/** Things on the host that hostile code would find, change or call if a wall had a hole. */
export class HostCanaries {
  #connections = 0;

  private constructor(
    readonly token: string,
    private readonly directory: string,
    private readonly servers: readonly Server[],
    private readonly places: Readonly<Record<string, string>>,
    private readonly facts: { readonly hostname: string; readonly core: string; readonly clock: number },
  ) {
    for (const server of servers) {
      server.on('connection', (socket) => {
        this.#connections += 1;
        socket.destroy();
      });
    }
  }

  static async start(): Promise<HostCanaries> {
    const token = `canary-${randomUUID()}`;
    const directory = await mkdtemp(join(tmpdir(), 'attack-canary-'));
    await chmod(directory, 0o777);
    await writeFile(join(directory, FILE), token);
    await chmod(join(directory, FILE), 0o666);
    process.env['ATTACK_CANARY'] = token;
    const abstract = `attack-canary-${process.pid}`;
    const port = await listening(createServer(), { host: '0.0.0.0', port: 0 });
    const servers = [
      port,
      await listening(createServer(), { path: join(directory, SOCKET) }),
      await listening(createServer(), { path: `\0${abstract}` }),
    ];
    await chmod(join(directory, SOCKET), 0o777);
    const address = port.address();
    const places = {
      CANARY_DIRECTORY: directory,
      CANARY_FILE: join(directory, FILE),
      CANARY_SOCKET: join(directory, SOCKET),
      CANARY_ABSTRACT: abstract,
      CANARY_PORT: typeof address === 'object' ? String(address?.port) : '',
      CANARY_ADDRESSES: hostAddresses().join(' '),
      CANARY_PID: String(process.pid),
    };
    return new HostCanaries(token, directory, servers, places, await hostFacts());
  }

  /** The program with the canaries' places in it. */
  fill(program: string): string {
    return program.replaceAll(/CANARY_[A-Z]+/g, (name) => this.places[name] ?? name);
  }

  /** What is not as it was. */
  async disturbed(): Promise<string[]> {
    const now = await hostFacts();
    const held = await readFile(join(this.directory, FILE), 'utf8').catch(() => 'gone');
    const complaints = [
      this.#connections === 0 || `${this.#connections} connection(s) reached the host`,
      held === this.token || "the host's file was changed",
      (await readdir(this.directory)).sort().join() === [FILE, SOCKET].sort().join() ||
        'a file was made on the host',
      now.hostname === this.facts.hostname || "the host's name was changed",
      now.core === this.facts.core || "the host's settings were changed",
      Math.abs(now.clock - this.facts.clock) < CLOCK_TOLERANCE_MS || "the host's clock was changed",
    ];
    return complaints.filter((complaint) => complaint !== true);
  }

  async stop(): Promise<void> {
    delete process.env['ATTACK_CANARY'];
    for (const server of this.servers) {
      server.close();
      await once(server, 'close');
    }
    await rm(this.directory, { recursive: true, force: true });
  }
}

async function listening(
  server: Server,
  place: { readonly host: string; readonly port: number } | { readonly path: string },
): Promise<Server> {
  server.listen(place);
  await once(server, 'listening');
  return server;
}

function hostAddresses(): string[] {
  const own = Object.values(networkInterfaces()).flatMap((found) => found ?? []);
  const reachable = own.filter(({ family }) => family === 'IPv4').map(({ address }) => address);
  return [...new Set(['127.0.0.1', '172.17.0.1', ...reachable])];
}

async function hostFacts() {
  return {
    hostname: hostname(),
    core: await readFile(CORE_PATTERN, 'utf8').catch(() => ''),
    // The distance of the two clocks: only a clock that was set changes it.
    clock: Date.now() - performance.now(),
  };
}
