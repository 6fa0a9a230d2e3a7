import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeAuthority } from './x509.js';

/** An authority of its own, a server's certificate for loopback, and a client's folder as DOCKER_CERT_PATH has it. */
export interface TestCertificates {
  readonly clientFolder: string;
  readonly server: { readonly ca: Buffer; readonly cert: Buffer; readonly key: Buffer };
}

/** Made in `folder`, valid for a day. */
export function makeTestCertificates(folder: string): TestCertificates {
  const authority = makeAuthority();
  const client = authority.issue('client', 'client');
  const clientFolder = join(folder, 'client');
  mkdirSync(clientFolder, { recursive: true });
  writeFileSync(join(clientFolder, 'ca.pem'), authority.cert);
  writeFileSync(join(clientFolder, 'cert.pem'), client.cert);
  writeFileSync(join(clientFolder, 'key.pem'), client.key, { mode: 0o600 });
  return { clientFolder, server: { ca: authority.cert, ...authority.issue('server', 'server') } };
}
