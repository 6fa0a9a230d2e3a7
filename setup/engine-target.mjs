export const defaultSocket = '/var/run/docker.sock';

/**
 * Where an engine takes plain HTTP. Follows src/sandbox/docker/engine-address.ts, which is not compiled yet when this
 * is needed; a test holds the two together.
 * @param {NodeJS.ProcessEnv} env
 * @param {string} socket where the engine listens when DOCKER_HOST does not say
 * @returns {{ socketPath: string } | { host: string, port: number } | undefined} undefined: TLS, ssh, or no address
 */
export function engineTarget(env, socket) {
  const { DOCKER_HOST: text, DOCKER_TLS_VERIFY: verify, DOCKER_CERT_PATH: certificates } = env;
  if (!text) return { socketPath: socket };
  if (text.startsWith('unix://')) return { socketPath: text.slice('unix://'.length) || defaultSocket };
  if (!URL.canParse(text)) return undefined;
  const { protocol, hostname, port, username, password, pathname, search } = new URL(text);
  if (hostname === '' || username !== '' || password !== '' || pathname.length > 1 || search !== '')
    return undefined;
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  if (protocol === 'http:') return { host, port: Number(port || 80) };
  if (protocol !== 'tcp:' || verify || certificates) return undefined;
  return { host, port: Number(port || 2375) };
}
