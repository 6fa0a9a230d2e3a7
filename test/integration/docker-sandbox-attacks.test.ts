import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DockerSandboxProvider } from '../../src/sandbox/docker/docker-sandbox-provider.js';
import { DOCKER_SANDBOX_DEFAULTS } from '../../src/sandbox/docker/docker-sandbox-options.js';
import { sandboxImage } from '../../src/sandbox/docker/sandbox-image.js';
import type { ExecutionResult, Sandbox, SandboxOutput } from '../../src/sandbox/sandbox.js';

const image = await sandboxImage(fileURLToPath(new URL('../../sandboxes', import.meta.url)));
const MEBIBYTE = 2 ** 20;

/** Hostile programs; after each the very same sandbox has to answer an ordinary call. */
describe('hostile code in a Docker sandbox', () => {
  const provider = new DockerSandboxProvider(
    {
      ...DOCKER_SANDBOX_DEFAULTS,
      instanceId: `test-attacks-${process.pid}`,
      image,
      memoryBytes: 256 * MEBIBYTE,
      workspaceBytes: 32 * MEBIBYTE,
    },
    () => undefined,
  );
  let sandbox: Sandbox;

  beforeAll(async () => {
    await provider.ready();
    sandbox = await provider.acquire({ sessionId: 'sess_attacks', runId: 'run_1', generation: 1 });
  });
  afterAll(() => provider.close());

  const exec = (code: string, timeoutMs = 20_000, output: SandboxOutput[] = []): Promise<ExecutionResult> =>
    sandbox.exec(code, { timeoutMs }, (piece) => void output.push(piece), new AbortController().signal);
  const shell = (command: string, timeoutMs = 20_000): Promise<ExecutionResult> =>
    sandbox.shell([command], { timeoutMs }, () => undefined, new AbortController().signal);
  const setState = (): Promise<ExecutionResult> => exec('kept = 5');
  const state = async (): Promise<string | undefined> => (await exec('kept')).value;

  /** A new interpreter without variables answers, in the same container. */
  const expectRestarted = async (): Promise<void> => {
    expect((await exec('kept')).exception).toContain('NameError');
    expect(provider.current('sess_attacks')?.id).toBe(sandbox.id);
  };

  test('an endless loop and a sleep are interrupted and keep their variables', async () => {
    await setState();
    expect(await exec('while True: pass', 300)).toMatchObject({ outcome: 'timed_out', stateKept: true });
    expect(await exec('import os; os.system("sleep 60")', 300)).toMatchObject({ outcome: 'timed_out' });
    expect(await state()).toBe('5');
  });

  test('code that ignores interrupts is killed two seconds later', async () => {
    await setState();
    const started = performance.now();
    const code = 'import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: pass';
    expect(await exec(code, 300)).toMatchObject({ outcome: 'timed_out', stateKept: false });
    expect(performance.now() - started).toBeLessThan(5000);
    await expectRestarted();
  });

  test('a process that stops itself is woken and interrupted', async () => {
    const code = 'import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)\nwhile True: pass';
    expect(await exec(code, 300)).toMatchObject({ outcome: 'timed_out', stateKept: true });
  });

  test.each([
    ['Python objects', 'x = []\nwhile True: x.append(bytes(10_000_000))'],
    ['the value to show', 'class Huge:\n  def __repr__(self): return "a" * (10 ** 9)\nHuge()'],
  ])('a memory bomb of %s ends the interpreter only', async (_title, code) => {
    await setState();
    expect(await exec(code)).toMatchObject({ outcome: 'out_of_memory', stateKept: false });
    await expectRestarted();
  });

  test('a memory bomb in the shell leaves the interpreter alone', async () => {
    await setState();
    const result = await shell(`python3 -c 'x = bytearray(2 ** 30); print(1)'`);
    expect(result.outcome).toBe('out_of_memory');
    expect(await state()).toBe('5');
  });

  test('a fork of the interpreter does not answer in its place', async () => {
    await setState();
    expect((await exec('import os\nparent = os.getpid()\nos.fork()\nos.getpid() == parent')).value).toBe(
      'True',
    );
    expect(await state()).toBe('5');
  });

  test('fork bombs end with their call', async () => {
    await exec('import os\nwhile True:\n  try: os.fork()\n  except OSError: pass', 500);
    expect((await exec('1 + 1')).value).toBe('2');
    await shell('bomb() { bomb | bomb & }; bomb; sleep 60', 500);
    const processes = await exec('import os; sorted(name for name in os.listdir("/proc") if name.isdigit())');
    expect(processes.value?.split(',')).toHaveLength(2);
  });

  test.each([
    ['exec', 'print("y" * 1000)\nwhile True: print("y" * 1000)'],
    ['shell', 'yes'],
  ])('endless output of %s is capped and counted', async (kind, code) => {
    const result = await (kind === 'exec' ? exec(code, 1000) : shell(code, 1000));
    expect(result.outcome).toBe('timed_out');
    expect(result.stdout).toHaveLength(MEBIBYTE);
    expect(result.droppedBytes).toBeGreaterThan(MEBIBYTE);
  });

  test('frames forged on every descriptor change nothing but the forger', async () => {
    const forge = `
import os, struct
forged = struct.pack('>IB', 4_000_000_000, 74) + b'{"type":"result","id":1}' * 100
for fd in range(3, 256):
    try: os.write(fd, forged)
    except OSError: pass
print('on')
`;
    const result = await exec(forge);
    expect(result).toMatchObject({ outcome: 'died', stateKept: false });
    expect(result.exception).toContain('protocol');
    expect((await exec('1 + 1')).value).toBe('2');
  });

  test('a forged result without the token is no result', async () => {
    const forge = `
import os, struct, json
payload = bytes(16) + json.dumps({"status": "completed", "value": "forged"}).encode()
os.write(3, struct.pack('>IB', len(payload), 74) + payload)
import time; time.sleep(60)
`;
    const result = await exec(forge);
    expect(result.outcome).toBe('died');
    expect(result.value).toBeUndefined();
  });

  test.each([
    ['exits', 'import os; os._exit(3)'],
    ['crashes', 'import ctypes; ctypes.string_at(0)'],
    ['kills itself', 'import os; os.kill(os.getpid(), 9)'],
    ['kills everything', 'import os; os.kill(-1, 9)'],
    ['closes every descriptor', 'import os; os.closerange(0, 256); 1'],
  ])('an interpreter that %s is reported and replaced', async (_title, code) => {
    await setState();
    const result = await exec(code, 3000);
    expect(['died', 'timed_out', 'completed', 'failed']).toContain(result.outcome);
    expect(result.stateKept && result.outcome === 'died').toBe(false);
    expect((await exec('1 + 1')).value).toBe('2');
    expect(provider.current('sess_attacks')?.id).toBe(sandbox.id);
  });

  test('the supervisor cannot be killed, stopped or read', async () => {
    const result = await exec(`
import os, signal
for number in (9, 19, 15, 2, 1, 3, 10, 12, 11, 17):
    os.kill(1, number)
denied = []
for path in ('/proc/1/mem', '/proc/1/environ', '/proc/1/fd/1'):
    try: open(path, 'rb').read(1)
    except PermissionError: denied.append(path)
len(denied)`);
    expect(result).toMatchObject({ outcome: 'completed', value: '3' });
  });

  test('there are no rights, no network, no writable system and no way to new rights', async () => {
    const { value } = await exec(`
import os, socket
status = dict(line.split(':\\t', 1) for line in open('/proc/self/status').read().splitlines() if ':\\t' in line)
def refused(action):
    try: action()
    except OSError: return True
    return False
(os.getuid(), int(status['CapEff'], 16), int(status['CapBnd'], 16), status['NoNewPrivs'], status['Seccomp_filters'],
 os.listdir('/sys/class/net'), refused(lambda: socket.create_connection(('1.1.1.1', 53), 1)),
 refused(lambda: open('/etc/x', 'w')), refused(lambda: open('/opt/gantry/x', 'w')), refused(lambda: os.chroot('/tmp')),
 os.path.exists('/var/run/docker.sock'), os.path.exists('/dev/shm'))`);
    expect(value).toBe("(10001, 0, 0, '1', '2', ['lo'], True, True, True, True, False, False)");
    const ring = 'import ctypes; ctypes.CDLL(None, use_errno=True).syscall(425, 1, 0), ctypes.get_errno()';
    expect((await exec(`libc = __import__("ctypes").CDLL(None, use_errno=True)\n${ring}`)).outcome).toBe(
      'completed',
    );
    expect(
      (await exec('libc.syscall(425, 1, 0); import ctypes\n(libc.syscall(425, 1, 0), ctypes.get_errno())'))
        .value,
    ).toBe('(-1, 1)');
  });

  test('links, pipes and sparse giants are not read', async () => {
    await shell('ln -s /etc/passwd link; ln -s / root; mkfifo pipe; mkdir dir; truncate -s 1T sparse');
    const read = async (path: string): Promise<void> => {
      for await (const _chunk of sandbox.read(path, MEBIBYTE)) continue;
    };
    for (const path of ['link', 'root/etc/passwd', 'pipe', 'dir']) {
      await expect(read(path), path).rejects.toMatchObject({ code: 'invalid_request' });
    }
    await expect(read('sparse')).rejects.toMatchObject({ code: 'too_large' });
    await expect(sandbox.write('root/tmp/escaped', Buffer.from('x'))).rejects.toMatchObject({
      code: 'invalid_request',
    });
    await sandbox.write('link', Buffer.from('mine'));
    expect((await shell('cat link; head -c 4 /etc/passwd')).stdout).toBe('mineroot');
    expect((await sandbox.list()).map(({ path }) => path).sort()).toEqual(['link', 'sparse']);
    await shell('rm -rf /workspace/*');
  });

  test('a full working directory is an error of the writer, also when the writer is the host', async () => {
    const full = await exec('open("fill", "wb").write(bytes(64 * 2 ** 20))');
    expect(full.exception).toContain('No space left on device');
    await expect(sandbox.write('more', Buffer.alloc(MEBIBYTE))).rejects.toMatchObject({
      code: 'storage_full',
    });
    await shell('rm -f fill');
    expect(await sandbox.list()).toEqual([]);
  });

  test('file names are data', async () => {
    const result = await exec(`
import os
for name in (b'a\\nb', b'-rf', b'\\xff\\xfe', 'ünï'.encode(), b'x' * 255):
    open(name, 'w').close()`);
    expect(result.changes.map(({ path }) => path).sort()).toEqual(['-rf', 'a\nb', 'x'.repeat(255), 'ünï']);
    await shell('rm -rf /workspace/* ./-rf');
  });

  test('background processes end with the call', async () => {
    await shell('(sleep 600 & setsid sleep 600 & nohup sleep 600 >/dev/null 2>&1 &)');
    expect((await shell('ls /proc | grep -c "^[0-9]"')).stdout.trim()).toMatch(/^[3-5]$/);
  });
});
