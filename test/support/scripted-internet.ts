import { once } from 'node:events';
import { createServer as createHttpServer, type IncomingMessage } from 'node:http';
import { type AddressInfo, type Server, connect as connectSocket, createServer } from 'node:net';
import { duplexPair, type Duplex } from 'node:stream';
import { text } from 'node:stream/consumers';
import type { EgressEntry, SandboxNetwork } from '../../src/sandbox/egress/egress.js';
import {
  GuardedEgress,
  type EgressReach,
  type EgressSettings,
} from '../../src/sandbox/egress/guarded-egress.js';

export const PUBLIC_ADDRESS = '93.184.216.34';
/** What the test at hand has opened. */
const opened: { close(): void }[] = [];

/** For the end of each test. */
export function closeAll(): void {
  for (const one of opened.splice(0)) one.close();
}

export interface World {
  readonly network: SandboxNetwork;
  readonly entries: EgressEntry[];
  readonly unlisted: number[];
  /** Addresses that were connected to, in order. */
  readonly dialled: string[];
  readonly lookedUp: string[];
}

export interface Scene {
  readonly egress?: readonly string[];
  readonly settings?: Partial<EgressSettings>;
  /** Where connections to public addresses really go. */
  readonly port?: number;
  readonly answers?: Readonly<Record<string, readonly string[]>>;
  readonly reach?: Partial<EgressReach>;
}

/** A sandbox's network on a scripted internet: every listed name is at a public address. */
export function worldOf({
  egress = ['allowed.example'],
  settings,
  port = 1,
  answers = {},
  reach,
}: Scene): World {
  const entries: EgressEntry[] = [];
  const unlisted: number[] = [];
  const dialled: string[] = [];
  const lookedUp: string[] = [];
  const log = {
    entry: (entry: EgressEntry) => void entries.push(entry),
    unlisted: (_session: string, _run: string, count: number) => void unlisted.push(count),
  };
  const guarded = new GuardedEgress(
    { hosts: ['*', '*:8443'], privateNetworks: [], packageIndex: undefined, ...settings },
    log,
    {
      lookUp: async (host) => {
        lookedUp.push(host);
        return answers[host] ?? [PUBLIC_ADDRESS];
      },
      connect: async (address) => {
        dialled.push(address);
        const socket = connectSocket({ port, host: '127.0.0.1', allowHalfOpen: true });
        await once(socket, 'connect');
        return socket;
      },
      ...reach,
    },
  );
  const network = guarded.networkFor({ sessionId: 'sess_1', runId: 'run_1', generation: 1, egress });
  if (network === undefined) throw new Error('the session has no network');
  return { network, entries, unlisted, dialled, lookedUp };
}

/** A connection that code inside opened: what it writes is served. */
export function enter(network: SandboxNetwork): Duplex {
  const [inside, outside] = duplexPair({ allowHalfOpen: true });
  outside.on('error', () => undefined);
  inside.on('error', () => undefined);
  network.serve(outside);
  opened.push({ close: () => [inside, outside].forEach((end) => end.destroy()) });
  return inside;
}

export async function say(network: SandboxNetwork, ...lines: string[]): Promise<string> {
  const inside = enter(network);
  inside.write(`${lines.join('\r\n')}\r\n\r\n`);
  return text(inside);
}

export async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const sockets = new Set<{ destroy(): void }>();
  server.on('connection', (socket) => sockets.add(socket));
  opened.push({
    close: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  });
  return (server.address() as AddressInfo).port;
}

/** Says back what it heard, when it has heard all. */
export function echoServer(): Promise<number> {
  return listen(
    createServer({ allowHalfOpen: true }, (socket) => {
      socket.on('error', () => undefined);
      void text(socket).then(
        (heard) => socket.end(`heard ${heard}`),
        () => undefined,
      );
    }),
  );
}

export interface HttpScene {
  readonly port: number;
  readonly requests: { readonly message: IncomingMessage; readonly body: string }[];
}

export async function httpServer(answer = 'hello'): Promise<HttpScene> {
  const requests: HttpScene['requests'] = [];
  const server = createHttpServer((message, response) => {
    const reply = async (): Promise<void> => {
      requests.push({ message, body: await text(message) });
      response.setHeader('X-Kept', 'yes').setHeader('Proxy-Authenticate', 'no').end(answer);
    };
    void reply();
  });
  return { port: await listen(server), requests };
}
