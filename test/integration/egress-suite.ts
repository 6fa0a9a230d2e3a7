import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, type Server, type Socket, createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connectTo } from '../../src/sandbox/egress/connect.js';
import type { Egress, EgressEntry } from '../../src/sandbox/egress/egress.js';
import { GuardedEgress } from '../../src/sandbox/egress/guarded-egress.js';
import type { ExecutionResult, Sandbox, SandboxProvider } from '../../src/sandbox/sandbox.js';
import { startLeakCheck } from '../support/leak-check.js';
import { until } from '../support/until.js';

/** A package index with one wheel, and whatever else is asked for over HTTP. */
class Internet {
  readonly requests: string[] = [];
  wheel: Uint8Array = new Uint8Array();
  readonly #web = createHttpServer((request, response) => {
    this.requests.push(`${request.method} ${request.headers.host} ${request.url}`);
    if (request.url === '/simple/gantry-greeting/') {
      response.setHeader('Content-Type', 'text/html').end(`<a href="/files/${WHEEL}">${WHEEL}</a>`);
    } else if (request.url === `/files/${WHEEL}`) response.end(this.wheel);
    else if (request.url === '/hello') response.end('hello from outside');
    else response.writeHead(404).end();
  });
  /** Says back what it hears, and knows who is connected. */
  readonly echoing = new Set<Socket>();
  readonly #echo = createServer((socket) => {
    this.echoing.add(socket);
    socket.on('error', () => undefined).on('close', () => this.echoing.delete(socket));
    socket.pipe(socket);
  });
  webPort = 0;
  echoPort = 0;

  async open(): Promise<void> {
    this.webPort = await listening(this.#web);
    this.echoPort = await listening(this.#echo);
  }

  close(): void {
    for (const socket of this.echoing) socket.destroy();
    this.#web.closeAllConnections();
    this.#web.close();
    this.#echo.close();
  }
}

async function listening(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

const WHEEL = 'gantry_greeting-1.0-py3-none-any.whl';
const MAKE_WHEEL = `
import zipfile
info = 'gantry_greeting-1.0.dist-info'
with zipfile.ZipFile('${WHEEL}', 'w') as wheel:
    wheel.writestr('gantry_greeting.py', 'GREETING = "installed"\\n')
    wheel.write('/bin/echo', 'gantry_native/program')
    wheel.writestr(f'{info}/METADATA', 'Metadata-Version: 2.1\\nName: gantry-greeting\\nVersion: 1.0\\n')
    wheel.writestr(f'{info}/WHEEL', 'Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')
    wheel.writestr(f'{info}/RECORD', f'gantry_greeting.py,,\\n{info}/METADATA,,\\n{info}/WHEEL,,\\n{info}/RECORD,,\\n')
`;

/** `make` gives a provider with that egress; `gone` resolves when nothing of it is left on the machine. */
export function describeEgress(
  title: string,
  make: (egress: Egress) => Promise<SandboxProvider>,
  gone: () => Promise<void>,
): void {
  describe(title, () => egressTests(make, gone));
}

function egressTests(make: (egress: Egress) => Promise<SandboxProvider>, gone: () => Promise<void>): void {
  const leaks = startLeakCheck();
  const internet = new Internet();
  const entries: EgressEntry[] = [];
  let provider: SandboxProvider;
  let open: Sandbox;

  const spec = (sessionId: string, egress: readonly string[] = []) => ({
    sessionId,
    runId: 'run_1',
    generation: 1,
    egress,
  });
  const never = new AbortController().signal;
  const limits = { timeoutMs: 60_000 };
  const run = (sandbox: Sandbox, code: string): Promise<ExecutionResult> =>
    sandbox.exec(code, limits, () => undefined, never);

  beforeAll(async () => {
    await internet.open();
    const { webPort, echoPort } = internet;
    const hosts = [`index.test:${webPort}`, `echo.test:${echoPort}`, `local.test:${webPort}`];
    const egress = new GuardedEgress(
      {
        hosts: [...hosts, '*', '*:5432'],
        privateNetworks: ['127.0.0.1'],
        packageIndex: `http://index.test:${webPort}/simple/`,
      },
      { entry: (entry) => void entries.push(entry), unlisted: () => undefined },
      {
        lookUp: async (host) => [
          host === 'local.test' ? '127.0.0.2' : host.endsWith('.test') ? '127.0.0.1' : host,
        ],
        connect: connectTo,
      },
    );
    provider = await make(egress);
    await provider.ready();
    open = await provider.acquire(spec('sess_open', [...hosts, '169.254.169.254', '127.0.0.3:5432']));
  });

  afterAll(async () => {
    await provider.close();
    internet.close();
    await gone();
    await leaks.verify();
  });

  test('is none without hosts: nothing listens, nothing is told, only loopback is there', async () => {
    const closed = await provider.acquire(spec('sess_closed'));
    const result = await run(
      closed,
      `import os, socket
probe = socket.socket()
(probe.connect_ex(('127.0.0.1', 3128)) != 0, 'HTTPS_PROXY' in os.environ, [name for _, name in socket.if_nameindex()])`,
    );
    expect(result.value).toBe("(True, False, ['lo'])");
    await closed.close();
  });

  test('carries requests of Python and of a shell to hosts on the list, and logs them', async () => {
    const url = `http://index.test:${internet.webPort}/hello`;
    const python = await run(open, `import urllib.request\nurllib.request.urlopen('${url}').read().decode()`);
    expect(python).toMatchObject({ outcome: 'completed', value: "'hello from outside'" });
    expect(python.refusedHosts).toBeUndefined();
    const shell = await open.shell(
      [`python3 -c "import urllib.request; print(urllib.request.urlopen('${url}').read())"`],
      limits,
      () => undefined,
      never,
    );
    expect(shell.stdout).toBe("b'hello from outside'\n");
    expect(internet.requests).toContain(`GET index.test:${internet.webPort} /hello`);
    await until(
      'both are logged',
      5000,
      () => entries.filter(({ outcome }) => outcome === 'carried').length >= 2,
    );
    expect(entries[0]).toMatchObject({
      session: 'sess_open',
      run: 'run_1',
      host: 'index.test',
      received: 18,
    });
  });

  test('refuses other hosts, says so to the code, and names them in the result', async () => {
    const result = await run(
      open,
      `import urllib.request, urllib.error
said = []
for url in ('http://elsewhere.example/', 'http://local.test:${internet.webPort}/hello', 'http://169.254.169.254/latest/'):
    try: urllib.request.urlopen(url)
    except urllib.error.HTTPError as error: said.append((error.code, error.read().decode()))
try: urllib.request.urlopen('https://secure.example/')
except urllib.error.URLError as error: said.append(str(error.reason))
said`,
    );
    expect(result.exception).toBeUndefined();
    expect(result.value).toContain('elsewhere.example:80 is not among the hosts that this session may reach');
    expect(result.value).toContain('at a private, local or reserved address');
    expect(result.value).toContain('403 Forbidden');
    expect(result.refusedHosts).toEqual([
      'elsewhere.example:80',
      `local.test:${internet.webPort}`,
      '169.254.169.254:80',
      'secure.example:443',
    ]);
    expect((await run(open, '1')).refusedHosts).toBeUndefined();
  });

  const CONNECT = `
import socket
def tunnel(port):
    connection = socket.create_connection(('127.0.0.1', 3128))
    connection.sendall(f'CONNECT echo.test:{port} HTTP/1.1\\r\\n\\r\\n'.encode())
    assert b' 200 ' in connection.recv(1000)
    return connection
`;

  test('carries megabytes both ways at once, whole', async () => {
    const result = await run(
      open,
      `${CONNECT}
import hashlib, os, threading
sent = os.urandom(8 << 20)
connection = tunnel(${internet.echoPort})
threading.Thread(target=lambda: (connection.sendall(sent), connection.shutdown(socket.SHUT_WR))).start()
received = bytearray()
while piece := connection.recv(1 << 16): received += piece
(len(received), hashlib.sha256(received).digest() == hashlib.sha256(sent).digest())`,
    );
    expect(result.value).toBe(`(${8 << 20}, True)`);
  });

  test('a flood of connections and bytes leaves calls and the server as they were', async () => {
    const before = process.memoryUsage().rss;
    const result = await run(
      open,
      `${CONNECT}
import threading, time
opened, stop = [], time.monotonic() + 3
def flood():
    while time.monotonic() < stop:
        try:
            connection = tunnel(${internet.echoPort})
            connection.settimeout(0.05)
            opened.append(1)
            for _ in range(64): connection.sendall(bytes(1 << 16))
        except (OSError, AssertionError): pass
threads = [threading.Thread(target=flood) for _ in range(24)]
for thread in threads: thread.start()
garbage = 0
while time.monotonic() < stop:
    with socket.create_connection(('127.0.0.1', 3128)) as connection:
        connection.sendall(b'\\0' * 100)
        garbage += 1
for thread in threads: thread.join()
print('done', len(opened) > 0, garbage > 0)`,
    );
    expect(result.stdout).toBe('done True True\n');
    expect(process.memoryUsage().rss - before).toBeLessThan(80 * 2 ** 20);
    expect((await run(open, '6 * 7')).value).toBe('42');
    await until('every connection is ended', 10_000, () => internet.echoing.size === 0);
  });

  test('a connection ends with the sandbox that opened it', async () => {
    const doomed = await provider.acquire(spec('sess_doomed', [`echo.test:${internet.echoPort}`]));
    const running = run(
      doomed,
      `${CONNECT}connection = tunnel(${internet.echoPort})\nimport time; time.sleep(60)`,
    );
    await until('it is connected', 10_000, () => internet.echoing.size === 1);
    await doomed.close();
    expect((await running).outcome).toBe('sandbox_lost');
    await until('its connection is ended', 10_000, () => internet.echoing.size === 0);
  });

  test('pip installs from the configured index, and the running interpreter finds it', async () => {
    expect((await run(open, MAKE_WHEEL)).outcome).toBe('completed');
    const pieces: Uint8Array[] = [];
    for await (const piece of open.read(WHEEL, 1 << 20)) pieces.push(piece);
    internet.wheel = Buffer.concat(pieces);
    const installed = await open.shell(
      ['python3 -m pip install gantry-greeting'],
      limits,
      () => undefined,
      never,
    );
    expect(installed.stdout + installed.stderr).toContain('Successfully installed gantry-greeting-1.0');
    expect(installed.changes.map(({ path }) => path)).toEqual([]);
    expect(internet.requests).toContain(`GET index.test:${internet.webPort} /files/${WHEEL}`);
    expect((await run(open, 'import gantry_greeting; gantry_greeting.GREETING')).value).toBe("'installed'");
    const shell = await open.shell(
      ['python3 -c "import gantry_greeting as g; print(g.GREETING)"'],
      limits,
      () => undefined,
      never,
    );
    expect(shell.stdout).toBe('installed\n');
    const native = await run(
      open,
      `import gantry_greeting, os, subprocess
program = os.path.join(os.path.dirname(gantry_greeting.__file__), 'gantry_native', 'program')
os.chmod(program, 0o755)
subprocess.run([program, 'native code runs'], capture_output=True, text=True).stdout`,
    );
    expect(native.value, native.stderr).toBe("'native code runs\\n'");
  });
}
