import { request } from 'node:http';
import { engineTarget } from './engine-target.mjs';

/**
 * Asks the engine's API itself, so no docker command is needed. `remote` stands for addresses that only the server
 * can try (TLS, ssh), and for those that it refuses with a reason.
 * @param {NodeJS.ProcessEnv} env
 * @param {string} socket where the engine listens when DOCKER_HOST does not say
 * @returns {Promise<{ kind: 'answers' } | { kind: 'remote' } | { kind: 'silent', code: string }>}
 */
export function probeEngine(env, socket) {
  const target = engineTarget(env, socket);
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
