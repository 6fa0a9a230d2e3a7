import Docker from 'dockerode';
import { DomainError } from '../../errors.js';

/** Which engine to talk to. Absent: dockerode's own choice, the local socket. */
export function dockerClient(dockerHost: string | undefined): Docker {
  if (dockerHost === undefined) return new Docker();
  if (dockerHost.startsWith('unix://')) return new Docker({ socketPath: dockerHost.slice('unix://'.length) });
  const url = URL.canParse(dockerHost) ? new URL(dockerHost) : undefined;
  const protocol = { 'tcp:': 'http', 'http:': 'http', 'https:': 'https' }[url?.protocol ?? ''];
  if (url === undefined || (protocol !== 'http' && protocol !== 'https')) {
    throw new DomainError(
      'invalid_request',
      'The Docker host must start with unix://, tcp://, http:// or https://.',
    );
  }
  return new Docker({ protocol, host: url.hostname, port: url.port === '' ? 2375 : Number(url.port) });
}
