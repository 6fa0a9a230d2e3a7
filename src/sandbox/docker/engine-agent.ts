import { readFileSync } from 'node:fs';
import { Agent, type AgentOptions } from 'node:http';
import { connect as connectPlain, isIP, type Socket } from 'node:net';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import { DomainError, messageOf } from '../../errors.js';
import type { EngineAddress, EngineTls } from './engine-address.js';
import { SshConnection } from './ssh-connection.js';

const CONNECT_MS = 10_000;
/** Kept connections are closed after this; those that carry a request or a sandbox are not. */
const KEPT_MS = 5000;

/** Throws a DomainError that names the file. */
function readPem(certPath: string, name: string): Buffer {
  try {
    return readFileSync(join(certPath, name));
  } catch (error) {
    throw new DomainError(
      'invalid_request',
      `DOCKER_CERT_PATH must be a folder with ca.pem, cert.pem and key.pem (${messageOf(error)}).`,
      { reason: 'invalid_docker_certificates' },
    );
  }
}

function tlsOptions(host: string, { certPath, verify }: EngineTls): ConnectionOptions {
  return {
    // Only a name can be asked for; an address is checked against the certificate all the same.
    ...(isIP(host) === 0 ? { servername: host } : {}),
    rejectUnauthorized: verify,
    ...(certPath === undefined
      ? {}
      : {
          ca: readPem(certPath, 'ca.pem'),
          cert: readPem(certPath, 'cert.pem'),
          key: readPem(certPath, 'key.pem'),
        }),
  };
}

/** An engine that is not there must not take minutes to be missed. */
function within(socket: Socket, event: 'connect' | 'secureConnect'): Socket {
  const timer = setTimeout(
    () => socket.destroy(new Error(`it did not answer within ${CONNECT_MS / 1000} s`)),
    CONNECT_MS,
  );
  socket.once(event, () => clearTimeout(timer)).once('close', () => clearTimeout(timer));
  return socket;
}

function connector(address: EngineAddress): () => Duplex {
  switch (address.kind) {
    case 'socket':
      return () => connectPlain({ path: address.path });
    case 'ssh':
      return () => new SshConnection(address);
    case 'tcp': {
      const { host, port, tls } = address;
      if (tls === undefined)
        return () => within(connectPlain({ host, port, noDelay: true, keepAlive: true }), 'connect');
      const options = { ...tlsOptions(host, tls), host, port };
      return () => {
        const socket = connectTls(options);
        socket.setNoDelay(true).setKeepAlive(true);
        return within(socket, 'secureConnect');
      };
    }
    default:
      return address satisfies never;
  }
}

/** Carries HTTP to an engine, whichever way it is reached. Its `destroy` ends the connections it keeps. */
export class EngineAgent extends Agent {
  readonly #connect: () => Duplex;

  constructor(address: EngineAddress) {
    const options: AgentOptions = { keepAlive: true, timeout: KEPT_MS, maxFreeSockets: 4 };
    super(options);
    this.#connect = connector(address);
  }

  override createConnection(): Duplex {
    return this.#connect();
  }
}
