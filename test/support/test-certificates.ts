import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** An authority of its own, a server's certificate for loopback, and a client's folder as DOCKER_CERT_PATH has it. */
export interface TestCertificates {
  readonly clientFolder: string;
  readonly server: { readonly ca: Buffer; readonly cert: Buffer; readonly key: Buffer };
}

const NEW_KEY = '-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes';

/** Made with openssl in `folder`, valid for a day. */
export function makeTestCertificates(folder: string): TestCertificates {
  mkdirSync(folder, { recursive: true });
  // Arguments are parted at spaces, so names have none.
  const openssl = (command: string): void => {
    execFileSync('openssl', command.split(' '), { cwd: folder, stdio: 'ignore' });
  };
  openssl(`req -x509 ${NEW_KEY} -days 1 -subj /CN=test-authority -keyout ca-key.pem -out ca.pem`);
  const sign = (name: string, extensions: string): void => {
    writeFileSync(join(folder, `${name}.ext`), extensions);
    openssl(`req -new ${NEW_KEY} -subj /CN=${name} -keyout ${name}-key.pem -out ${name}.csr`);
    const authority = '-CA ca.pem -CAkey ca-key.pem -CAcreateserial';
    openssl(`x509 -req -in ${name}.csr ${authority} -days 1 -extfile ${name}.ext -out ${name}.pem`);
  };
  sign('server', 'subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth\n');
  sign('client', 'extendedKeyUsage=clientAuth\n');
  const clientFolder = join(folder, 'client');
  mkdirSync(clientFolder);
  copyFileSync(join(folder, 'ca.pem'), join(clientFolder, 'ca.pem'));
  copyFileSync(join(folder, 'client.pem'), join(clientFolder, 'cert.pem'));
  copyFileSync(join(folder, 'client-key.pem'), join(clientFolder, 'key.pem'));
  const read = (name: string): Buffer => readFileSync(join(folder, name));
  return {
    clientFolder,
    server: { ca: read('ca.pem'), cert: read('server.pem'), key: read('server-key.pem') },
  };
}
