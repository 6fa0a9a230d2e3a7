import { DomainError } from '../../errors.js';

/** As Docker's own client reads `DOCKER_CERT_PATH` and `DOCKER_TLS_VERIFY`. */
export interface EngineTls {
  /** A folder with `ca.pem`, `cert.pem` and `key.pem`; the system's authorities and no certificate when absent. */
  readonly certPath?: string;
  /** False takes any certificate of the engine, as Docker does with a folder and without DOCKER_TLS_VERIFY. */
  readonly verify: boolean;
}

export type EngineAddress =
  | { readonly kind: 'socket'; readonly path: string }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number; readonly tls?: EngineTls }
  | {
      readonly kind: 'ssh';
      readonly host: string;
      readonly user?: string;
      readonly port?: number;
      /** The engine's socket on the other machine; its default when absent. */
      readonly socketPath?: string;
    };

export interface EngineSettings {
  /** As in `DOCKER_HOST`; the engine of this machine when absent. */
  readonly dockerHost?: string | undefined;
  /** As in `DOCKER_CERT_PATH`. */
  readonly certPath?: string | undefined;
  /** As in `DOCKER_TLS_VERIFY`: any text but the empty one. */
  readonly tlsVerify?: boolean | undefined;
}

const LOCAL_SOCKET = '/var/run/docker.sock';
const PLAIN_PORT = 2375;
const TLS_PORT = 2376;

function refused(reason: string): DomainError {
  return new DomainError('invalid_request', `DOCKER_HOST ${reason}.`, { reason: 'invalid_docker_host' });
}

/** Throws a DomainError that says what is wrong with it. */
export function engineAddress(settings: EngineSettings): EngineAddress {
  const text = settings.dockerHost ?? `unix://${LOCAL_SOCKET}`;
  if (text.startsWith('unix://'))
    return { kind: 'socket', path: text.slice('unix://'.length) || LOCAL_SOCKET };
  if (!URL.canParse(text))
    throw refused('must be like unix:///path, tcp://host:port, https://host:port or ssh://user@host');
  const url = new URL(text);
  switch (url.protocol) {
    case 'tcp:':
    case 'http:':
    case 'https:':
      return tcpAddress(url, settings);
    case 'ssh:':
      return sshAddress(url);
    default:
      throw refused('must start with unix://, tcp://, http://, https:// or ssh://');
  }
}

function tcpAddress(url: URL, { certPath, tlsVerify = false }: EngineSettings): EngineAddress {
  if (url.hostname === '') throw refused('names no host');
  if (url.username !== '' || url.password !== '') throw refused('takes no user name over TCP');
  if (url.pathname.length > 1 || url.search !== '') throw refused('takes no path over TCP');
  const asked = url.protocol === 'https:' || tlsVerify;
  const secure = url.protocol !== 'http:' && (asked || certPath !== undefined);
  const port = url.port === '' ? defaultPort(url.protocol, secure) : Number(url.port);
  const address = { kind: 'tcp', host: bare(url.hostname), port } as const;
  if (!secure) return address;
  return { ...address, tls: { ...(certPath === undefined ? {} : { certPath }), verify: asked } };
}

function defaultPort(protocol: string, secure: boolean): number {
  if (protocol === 'https:') return 443;
  if (protocol === 'http:') return 80;
  return secure ? TLS_PORT : PLAIN_PORT;
}

function sshAddress(url: URL): EngineAddress {
  if (url.hostname === '') throw refused('names no host');
  if (url.password !== '') throw refused('takes no password: let ssh use a key');
  if (url.search !== '' || url.hash !== '') throw refused('takes nothing after its path');
  // It passes through the shell of the other machine.
  if (!/^(\/[\w.-]+)*\/?$/.test(url.pathname)) throw refused('names a socket that cannot be used over ssh');
  return {
    kind: 'ssh',
    host: bare(url.hostname),
    ...(url.username === '' ? {} : { user: decodeURIComponent(url.username) }),
    ...(url.port === '' ? {} : { port: Number(url.port) }),
    ...(url.pathname.length > 1 ? { socketPath: url.pathname } : {}),
  };
}

/** Without the brackets of an IPv6 address. */
function bare(hostname: string): string {
  return hostname.replace(/^\[(.*)\]$/, '$1');
}

/** For a person: where the engine is looked for. */
export function describeAddress(address: EngineAddress): string {
  switch (address.kind) {
    case 'socket':
      return `unix://${address.path}`;
    case 'tcp':
      return `${address.host}:${address.port}${address.tls === undefined ? '' : ' over TLS'}`;
    case 'ssh':
      return `${address.host} over ssh`;
    default:
      return address satisfies never;
  }
}
