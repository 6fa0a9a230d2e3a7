import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, open, readdir, readFile, readlink, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, describe, expect, test } from 'vitest';
import { PROJECT_ROOT } from '../../src/config/project-root.js';
import { thisMachine } from '../../src/sandbox/bubblewrap/bubblewrap-machine.js';
import { BUBBLEWRAP_SANDBOX_DEFAULTS } from '../../src/sandbox/bubblewrap/bubblewrap-sandbox-options.js';
import type { BubblewrapSandboxProvider } from '../../src/sandbox/bubblewrap/bubblewrap-sandbox-provider.js';
import type { ExecutionResult, Sandbox, SandboxOutput } from '../../src/sandbox/sandbox.js';
import { bubblewrapProvider, describeWithBubblewrap, testRootFileSystem } from '../support/bubblewrap.js';
import { until } from '../support/until.js';

const BOUND_MS = 20_000;
/** It starts a compiler first, which takes its time on a busy machine. */
const SERVER_TEST_MS = 180_000;
const providers: BubblewrapSandboxProvider[] = [];

async function provide(...parts: Parameters<typeof bubblewrapProvider>): Promise<BubblewrapSandboxProvider> {
  const provider = await bubblewrapProvider(...parts);
  providers.push(provider);
  return provider;
}

const spec = (sessionId: string) => ({ sessionId, runId: 'run_1', generation: 1 });

function exec(
  sandbox: Sandbox,
  code: string,
  onOutput: (piece: SandboxOutput) => void = () => undefined,
): Promise<ExecutionResult> {
  return sandbox.exec(code, { timeoutMs: 60_000 }, onOutput, new AbortController().signal);
}

/** The processes whose parent is `pid`. */
async function childrenOf(pid: number): Promise<number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
  return text.split(' ').filter(Boolean).map(Number);
}

async function descendantsOf(pid: number): Promise<number[]> {
  const children = await childrenOf(pid);
  return [...children, ...(await Promise.all(children.map(descendantsOf))).flat()];
}

/** Whether it still does anything: one that has ended and waits for its parent to notice does not. */
async function isRunning(pid: number): Promise<boolean> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => 'State:\tX');
  return !/^State:\s+[XZ]/m.test(status);
}

/** The process that stands for a sandbox: bubblewrap's own, outside of its walls. */
function outerProcess(sandbox: Sandbox): number {
  return Number(/^bwrap-(\d+)-/.exec(sandbox.id)?.[1]);
}

/** Control groups in any hierarchy whose name begins so. */
async function controlGroups(prefix: string): Promise<string[]> {
  const folders = ['', ...(await readdir('/sys/fs/cgroup').catch(() => []))];
  const names = await Promise.all(
    folders.map((folder) => readdir(join('/sys/fs/cgroup', folder)).catch(() => [])),
  );
  return names.flat().filter((name) => name.startsWith(prefix));
}

const own = `gantry-${process.pid}-`;

afterAll(async () => {
  await Promise.all(providers.map((provider) => provider.close()));
  expect(await controlGroups(own)).toEqual([]);
  expect(await childrenOf(process.pid).then((pids) => Promise.all(pids.map(commandOf)))).not.toContainEqual(
    expect.stringMatching(/bwrap|gantry-keeper/),
  );
});

async function commandOf(pid: number): Promise<string> {
  return (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).replaceAll('\0', ' ');
}

describeWithBubblewrap('the life of a bubblewrap sandbox', () => {
  test('what is enforced was tried out, and is said', async () => {
    const provider = await provide();
    await provider.ready();
    const protections = provider.protections();
    expect(protections).toMatchObject({
      provider: 'bubblewrap',
      available: true,
      network: 'none',
      workspaceBytes: BUBBLEWRAP_SANDBOX_DEFAULTS.workspaceBytes,
      processes: BUBBLEWRAP_SANDBOX_DEFAULTS.pids,
      walls: {
        unprivilegedUser: true,
        noCapabilities: true,
        noNewPrivileges: true,
        readOnlyRoot: true,
        noNetwork: true,
        systemCallFilters: 2,
      },
    });
    const limitsAll = protections.engine?.cgroup !== 'unknown';
    expect(protections.memoryBytes).toBe(limitsAll ? BUBBLEWRAP_SANDBOX_DEFAULTS.memoryBytes : undefined);
  });

  test('code belongs to an account of its own, also seen from outside', async () => {
    const provider = await provide();
    const accounts = await Promise.all(
      ['sess_one', 'sess_other'].map(async (sessionId) => {
        const sandbox = await provider.acquire(spec(sessionId));
        expect((await exec(sandbox, 'import os; os.getuid()')).value).toBe('10001');
        const [inner = 0] = await childrenOf(outerProcess(sandbox));
        return /^Uid:\s+(\d+)/m.exec(await readFile(`/proc/${inner}/status`, 'utf8'))?.[1];
      }),
    );
    if (process.getuid?.() !== 0) return;
    expect(new Set(accounts).size).toBe(2);
    for (const account of accounts) expect(Number(account)).toBeGreaterThan(1_000_000_000);
  });

  test('the machine’s settings, the other processes and what is only root’s are out of reach', async () => {
    const provider = await provide();
    const sandbox = await provider.acquire(spec('sess_reach'));
    const result = await exec(
      sandbox,
      `
import os
def refused(work):
    try:
        work()
        return False
    except OSError:
        return True
[
    refused(lambda: open("/proc/sys/kernel/core_pattern", "w")),
    refused(lambda: open("/proc/sys/vm/drop_caches", "w")),
    refused(lambda: open("/etc/shadow")),
    refused(lambda: open("/usr/bin/x", "w")),
    refused(lambda: open("/dev/shm/x", "w")),
    refused(lambda: os.kill(1, 9) or os.stat("/proc/1/root/etc")),
    sorted(name for name in os.listdir("/proc") if name.isdigit())[:2],
    os.listdir("/mnt"),
]`,
    );
    expect(result).toMatchObject({
      outcome: 'completed',
      value: expect.stringMatching(/^\[(True, ){6}\['1', /),
    });
    expect(result.value).toMatch(/\[\]\]$/);
  });

  test('one that is killed in mid-call loses the call, and the session gets another', async () => {
    const provider = await provide();
    const sandbox = await provider.acquire(spec('sess_killed'));
    const result = await exec(sandbox, 'import time\nprint("begun")\ntime.sleep(600)', () =>
      process.kill(outerProcess(sandbox), 'SIGKILL'),
    );
    expect(result).toMatchObject({ outcome: 'sandbox_lost', stateKept: false, stdout: 'begun\n' });
    const next = await provider.acquire(spec('sess_killed'));
    expect(next.fresh).toBe(true);
    expect((await exec(next, '1 + 1')).value).toBe('2');
  });

  test('one that answers nobody is destroyed five seconds after the limit', async () => {
    const provider = await provide();
    const sandbox = await provider.acquire(spec('sess_frozen'));
    const outer = outerProcess(sandbox);
    const result = await sandbox.exec(
      'import time\nprint("begun")\ntime.sleep(600)',
      { timeoutMs: 500 },
      async () => {
        for (const pid of await descendantsOf(outer)) process.kill(pid, 'SIGSTOP');
      },
      new AbortController().signal,
    );
    expect(result).toMatchObject({ outcome: 'sandbox_lost', stdout: 'begun\n' });
    await until('it is gone', BOUND_MS, async () => !(await isRunning(outer)));
  });

  test('an idle one is destroyed', async () => {
    const provider = await provide({ idleMs: 100 });
    await provider.acquire(spec('sess_idle'));
    await until('it is gone', BOUND_MS, () => provider.current('sess_idle') === undefined);
    expect((await provider.acquire(spec('sess_idle'))).fresh).toBe(true);
  });

  test('two providers side by side end only what is theirs', async () => {
    const [one, other] = [await provide({ poolSize: 1 }), await provide({ poolSize: 1 })];
    const staying = await other.acquire(spec('sess_same'));
    await one.acquire(spec('sess_same'));
    await one.close();
    expect((await exec(staying, '1 + 1')).value).toBe('2');
  });

  test('a profile has its own limits, and one that needs an engine says so', async () => {
    const small = { poolSize: 0, memoryBytes: 2 ** 28, workspaceBytes: 2 ** 20, pids: 32, cpus: 1 };
    const provider = await provide({
      profiles: { small, other: { ...small, problem: 'This profile asks for gpus.' } },
    });
    const sandbox = await provider.acquire({ ...spec('sess_small'), profile: 'small' });
    const { value } = await exec(sandbox, 'import os; s = os.statvfs("."); s.f_blocks * s.f_frsize');
    expect(value).toBe(String(small.workspaceBytes));
    const refused = (profile: string): Promise<unknown> =>
      provider.acquire({ ...spec(`sess_${profile}`), profile });
    await expect(refused('other')).rejects.toMatchObject({ code: 'unavailable', message: /gpus/ });
    await expect(refused('absent')).rejects.toMatchObject({ code: 'unavailable', message: /python, small/ });
    expect(provider.protections().profiles).toMatchObject({
      small: { available: true },
      other: { available: false },
    });
  });
});

const noControlGroups = thisMachine('bwrap', async () => undefined);

describeWithBubblewrap('limits', () => {
  test('the processes of a sandbox are limited with and without control groups', async () => {
    const count = `
import os, signal
n = 0
try:
    while n < 300:
        child = os.fork()
        if child == 0: signal.pause()
        n += 1
except OSError: pass
n`;
    for (const machine of [thisMachine(), noControlGroups]) {
      const provider = await provide({ pids: 40 }, machine);
      const { value } = await exec(await provider.acquire(spec('sess_forks')), count);
      expect(Number(value)).toBeGreaterThan(10);
      expect(Number(value)).toBeLessThanOrEqual(40);
    }
  });

  test('without control groups each process has the memory, and that is what is said', async () => {
    const provider = await provide({ memoryBytes: 400 * 2 ** 20 }, noControlGroups);
    const sandbox = await provider.acquire(spec('sess_memory'));
    expect((await exec(sandbox, 'len(bytearray(100 << 20))')).value).toBe(String(100 * 2 ** 20));
    const result = await exec(sandbox, 'x = bytearray(600 << 20)');
    expect(result).toMatchObject({ outcome: 'failed', stateKept: true });
    expect(result.exception).toContain('MemoryError');
    expect(provider.protections().memoryBytes).toBeUndefined();
    expect(provider.protections().notes.join(' ')).toContain('for each process, not for all together');
  });

  test('with control groups all of a sandbox shares the memory, and running out is told as such', async () => {
    const provider = await provide({ memoryBytes: 256 * 2 ** 20 });
    const sandbox = await provider.acquire(spec('sess_group'));
    if (provider.protections().memoryBytes === undefined) return;
    const result = await exec(sandbox, 'x = bytearray(600 << 20)');
    expect(result).toMatchObject({ outcome: 'out_of_memory', stateKept: false });
    expect((await exec(sandbox, '1 + 1')).value).toBe('2');
  });
});

/** What is mounted where a sandbox's root is, as the machine sees it; other programs mount elsewhere. */
async function mountsOfSandboxes(): Promise<string[]> {
  const mounts = (await readFile('/proc/self/mountinfo', 'utf8')).split('\n');
  return mounts.filter((line) => line.includes(' /mnt ') || line.includes('/rootfs/'));
}

/** A server of its own with one warm and one busy sandbox; `inherited` stays open in it for whoever it starts. */
async function startServer(rootFileSystem: string, inherited: number): Promise<ChildProcess> {
  const script = `
    import { createServer } from 'vite';
    const vite = await createServer({ server: { middlewareMode: true, ws: false, hmr: false }, appType: 'custom', logLevel: 'error' });
    const { BubblewrapSandboxProvider } = await vite.ssrLoadModule('/src/sandbox/bubblewrap/bubblewrap-sandbox-provider.ts');
    const { thisMachine } = await vite.ssrLoadModule('/src/sandbox/bubblewrap/bubblewrap-machine.ts');
    const provider = new BubblewrapSandboxProvider(JSON.parse(process.argv[1]), () => undefined, thisMachine());
    await provider.ready();
    const sandbox = await provider.acquire({ sessionId: 's', runId: 'r', generation: 1 });
    const say = () => console.log(sandbox.id);
    await sandbox.exec('import time; print(1); time.sleep(600)', { timeoutMs: 600000 }, say, new AbortController().signal);
  `;
  const options = JSON.stringify({ ...BUBBLEWRAP_SANDBOX_DEFAULTS, poolSize: 1, rootFileSystem });
  return spawn(process.execPath, ['--input-type=module', '-e', script, options], {
    cwd: PROJECT_ROOT,
    stdio: ['ignore', 'pipe', 'inherit', inherited],
  });
}

describeWithBubblewrap('a server that is killed', () => {
  test(
    'leaves no process, no control group and no mount, and had handed no open file on',
    async () => {
      const folder = await mkdtemp(join(tmpdir(), 'gantry-inherited-'));
      const secret = await open(join(folder, 'secret'), 'w');
      const mountsBefore = await mountsOfSandboxes();
      const server = await startServer(await testRootFileSystem(), secret.fd);
      try {
        const output = createInterface({ input: server.stdout ?? process.stdin });
        const [line] = (await Promise.race([
          once(output, 'line'),
          once(server, 'exit').then(() => {
            throw new Error('the server ended');
          }),
        ])) as [string];
        const outer = Number(/^bwrap-(\d+)-/.exec(line)?.[1]);
        const [inner = 0] = await childrenOf(outer);
        const pids = await descendantsOf(server.pid ?? 0);
        expect(pids).toContain(inner);
        const open = await readdir(`/proc/${inner}/fd`);
        const targets = await Promise.all(open.map((fd) => readlink(`/proc/${inner}/fd/${fd}`)));
        expect(targets.filter((target) => target.startsWith(folder))).toEqual([]);

        server.kill('SIGKILL');
        await until('its processes are gone', BOUND_MS, async () => {
          return !(await Promise.all(pids.map(isRunning))).includes(true);
        });
        await until(
          'its control groups are gone',
          BOUND_MS,
          async () => (await controlGroups(`gantry-${server.pid}-`)).length === 0,
        );
        expect(await mountsOfSandboxes()).toEqual(mountsBefore);
      } finally {
        server.kill('SIGKILL');
        await secret.close();
        await rm(folder, { recursive: true });
      }
    },
    SERVER_TEST_MS,
  );
});

describe('what is missing is said, not waited for', () => {
  test('bubblewrap itself', async () => {
    const rootFileSystem = await wholeRoot();
    const provider = await provide({ rootFileSystem }, thisMachine('no-such-bwrap'));
    await provider.ready();
    expect(provider.protections()).toMatchObject({ provider: 'bubblewrap', available: false });
    expect(provider.protections().reason).toContain('apt-get install bubblewrap');
    await expect(provider.acquire(spec('sess_none'))).rejects.toMatchObject({ code: 'unavailable' });
    await rm(rootFileSystem, { recursive: true });
  });

  test('the root file system', async () => {
    const provider = await provide({ rootFileSystem: '/nonexistent/root' });
    await provider.ready();
    expect(provider.protections().reason).toContain('node sandboxes/build-rootfs.mjs --into /nonexistent');
    await expect(provider.acquire(spec('sess_none'))).rejects.toMatchObject({ code: 'unavailable' });
  });

  test('half a root file system', async () => {
    const rootFileSystem = await mkdtemp(join(tmpdir(), 'gantry-half-'));
    const provider = await provide({ rootFileSystem });
    await provider.ready();
    expect(provider.protections().reason).toMatch(/not whole.*--again/);
    await rm(rootFileSystem, { recursive: true });
  });
});

/** Sealed like one that is whole, and empty but for that. */
async function wholeRoot(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'gantry-root-'));
  await mkdir(join(path, 'opt/gantry'), { recursive: true });
  await writeFile(join(path, 'opt/gantry/.root-file-system'), '');
  return path;
}

describeWithBubblewrap('what does not start is said', () => {
  test('a root file system without Python', async () => {
    const rootFileSystem = await wholeRoot();
    const provider = await provide({ rootFileSystem });
    await provider.ready();
    expect(provider.protections().reason).toMatch(/could not be started: .*bwrap.*--again/s);
    await provider.close();
    await rm(rootFileSystem, { recursive: true });
  });

  test('a sandbox that needs more memory than it has', async () => {
    const provider = await provide({ memoryBytes: 4 * 2 ** 20 });
    await provider.ready();
    expect(provider.protections()).toMatchObject({ available: false });
    expect(provider.protections().reason).toContain('could not be started');
  });

  test('set-up and server agree on where the root file system is', async () => {
    const setUp: { rootFileSystem(into: string): string } = await import(
      `${PROJECT_ROOT}/sandboxes/build-rootfs.mjs`
    );
    expect(setUp.rootFileSystem(join(PROJECT_ROOT, '.toolchain', 'rootfs'))).toBe(await testRootFileSystem());
  });
});
