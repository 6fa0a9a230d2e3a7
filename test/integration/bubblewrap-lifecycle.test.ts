import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, open, readdir, readFile, readlink, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, test } from 'vitest';
import { PROJECT_ROOT } from '../../src/config/project-root.js';
import { SOURCE_FLAGS } from '../../src/run-from-source.js';
import { SANDBOX_DEFAULTS } from '../../src/sandbox/kernel/sandbox-resources.js';
import type { ExecutionResult, Sandbox, SandboxOutput } from '../../src/sandbox/sandbox.js';
import { describeWithBubblewrap, testRootFileSystem } from '../support/bubblewrap.js';
import { bubblewrapProviders, childrenOf, controlGroups } from '../support/bubblewrap-providers.js';
import { until } from '../support/until.js';

const BOUND_MS = 20_000;
/** It starts a compiler first, which takes its time on a busy machine. */
const SERVER_TEST_MS = 180_000;
const provide = bubblewrapProviders();

const spec = (sessionId: string) => ({ sessionId, runId: 'run_1', generation: 1 });

function exec(
  sandbox: Sandbox,
  code: string,
  onOutput: (piece: SandboxOutput) => void = () => undefined,
): Promise<ExecutionResult> {
  return sandbox.exec(code, { timeoutMs: 60_000 }, onOutput, new AbortController().signal);
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

describeWithBubblewrap('the life of a bubblewrap sandbox', () => {
  test('what is enforced was tried out, and is said', async () => {
    const provider = await provide();
    await provider.ready();
    const protections = provider.protections();
    expect(protections).toMatchObject({
      provider: 'bubblewrap',
      available: true,
      network: 'none',
      workspaceBytes: SANDBOX_DEFAULTS.workspaceBytes,
      processes: SANDBOX_DEFAULTS.pids,
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
    expect(protections.memoryBytes).toBe(limitsAll ? SANDBOX_DEFAULTS.memoryBytes : undefined);
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

/** What is mounted where a sandbox's root is, as the machine sees it; other programs mount elsewhere. */
async function mountsOfSandboxes(): Promise<string[]> {
  const mounts = (await readFile('/proc/self/mountinfo', 'utf8')).split('\n');
  return mounts.filter((line) => line.includes(' /mnt ') || line.includes('/rootfs/'));
}

/** A server of its own with one warm and one busy sandbox; `inherited` stays open in it for whoever it starts. */
async function startServer(rootFileSystem: string, inherited: number): Promise<ChildProcess> {
  const script = `
    import { BubblewrapSandboxProvider } from './src/sandbox/bubblewrap/bubblewrap-sandbox-provider.ts';
    import { thisMachine } from './src/sandbox/bubblewrap/bubblewrap-machine.ts';
    const provider = new BubblewrapSandboxProvider(JSON.parse(process.argv[1]), () => undefined, thisMachine());
    await provider.ready();
    const sandbox = await provider.acquire({ sessionId: 's', runId: 'r', generation: 1 });
    const say = () => console.log(sandbox.id);
    await sandbox.exec('import time; print(1); time.sleep(600)', { timeoutMs: 600000 }, say, new AbortController().signal);
  `;
  const options = JSON.stringify({ ...SANDBOX_DEFAULTS, poolSize: 1, rootFileSystem });
  return spawn(process.execPath, [...SOURCE_FLAGS, '--input-type=module', '-e', script, options], {
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
