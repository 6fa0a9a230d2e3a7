import { request } from 'node:http';

export const defaultSocket = '/var/run/docker.sock';

/**
 * Asks the engine's API itself, so no docker command is needed. `remote` stands for addresses that only the server
 * can try (TLS, ssh).
 * @param {string} dockerHost as in DOCKER_HOST
 * @returns {Promise<{ kind: 'answers' } | { kind: 'remote' } | { kind: 'silent', code: string }>}
 */
export function probeEngine(dockerHost) {
  const target = addressOf(dockerHost);
  if (target === undefined) return Promise.resolve({ kind: 'remote' });
  return new Promise((resolve) => {
    const call = request({ ...target, path: '/_ping', timeout: 5000 }, (response) => {
      response.resume();
      resolve(
        response.statusCode === 200
          ? { kind: 'answers' }
          : { kind: 'silent', code: `HTTP ${response.statusCode}` },
      );
    });
    call.on('timeout', () => call.destroy(Object.assign(new Error('no answer'), { code: 'ETIMEDOUT' })));
    call.on('error', (error) => resolve({ kind: 'silent', code: error.code ?? error.message }));
    call.end();
  });
}

/** @param {string} dockerHost */
function addressOf(dockerHost) {
  if (dockerHost.startsWith('unix://')) return { socketPath: dockerHost.slice('unix://'.length) };
  const url = new URL(dockerHost);
  if (url.protocol !== 'tcp:' && url.protocol !== 'http:') return undefined;
  if (process.env.DOCKER_TLS_VERIFY) return undefined;
  return { host: url.hostname, port: Number(url.port || 2375) };
}
