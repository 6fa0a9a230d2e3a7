import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { DockerSandboxProvider } from '../../src/sandbox/docker/docker-sandbox-provider.js';
import { sandboxImage } from '../../src/sandbox/docker/sandbox-image.js';
import { SANDBOX_DEFAULTS } from '../../src/sandbox/kernel/sandbox-resources.js';
import type { SandboxProvider } from '../../src/sandbox/sandbox.js';
import { bubblewrapProvider, describeWithBubblewrap } from '../support/bubblewrap.js';
import { describeWithDocker } from '../support/docker.js';

const LIMITS = { timeoutMs: 60_000 };
/**
 * The commands of the other processes there are, which a killed one still is for a moment: asked until there are none,
 * or it is clear that they stay. Those that have ended and whose parent has not noticed have no command any more.
 */
const OTHERS = `
import os, time
def others():
  for pid in os.listdir("/proc"):
    if pid.isdigit() and int(pid) not in (1, os.getpid()):
      try: yield open(f"/proc/{pid}/cmdline").read()
      except OSError: pass
deadline = time.monotonic() + 5
while any(others()) and time.monotonic() < deadline: time.sleep(0.01)
[command for command in others() if command]`;

const LEFTOVERS = [
  ['a child', 'import os, time\nif os.fork() == 0: time.sleep(600)'],
  [
    'a grandchild in a session of its own',
    'import os, time\nif os.fork() == 0:\n  os.setsid()\n  if os.fork() == 0: time.sleep(600)\n  os._exit(0)',
  ],
  [
    'a child beside a thread',
    'import os, threading, time\nif os.fork() == 0: time.sleep(600)\nthreading.Thread(target=time.sleep, args=(0.2,)).start()',
  ],
  ['a program', 'import subprocess\nsubprocess.Popen(["sleep", "600"]).pid > 1'],
] as const;

/** The kernel asks how many there are before it looks who: what it would overlook is seen from here. */
async function leavesNobody(provider: SandboxProvider): Promise<void> {
  const { signal } = new AbortController();
  const sandbox = await provider.acquire({ sessionId: 'sess_left', runId: 'run_1', generation: 1 });
  const others = () => sandbox.exec(OTHERS, LIMITS, () => undefined, signal);
  expect(await others()).toMatchObject({ outcome: 'completed', value: '[]' });
  for (const [title, code] of LEFTOVERS) {
    const left = await sandbox.exec(code, LIMITS, () => undefined, signal);
    expect(left, title).toMatchObject({ outcome: 'completed', stateKept: true });
    expect(await others(), title).toMatchObject({ outcome: 'completed', value: '[]' });
  }
  await sandbox.shell(['sleep 600 &', 'setsid sleep 600 &'], LIMITS, () => undefined, signal);
  expect(await others()).toMatchObject({ outcome: 'completed', value: '[]' });
  const kept = await sandbox.shell(
    ['sleep 600 &'],
    { ...LIMITS, background: 'keep' },
    () => undefined,
    signal,
  );
  expect(kept.background).toHaveLength(1);
  expect((await others()).value).toContain('sleep');
}

describeWithDocker('what calls leave running in a container', () => {
  test('has ended before they are answered', async () => {
    const image = await sandboxImage(fileURLToPath(new URL('../../sandboxes', import.meta.url)));
    const provider = new DockerSandboxProvider(
      { ...SANDBOX_DEFAULTS, poolSize: 0, instanceId: `test-leftovers-${process.pid}`, image },
      () => undefined,
    );
    await leavesNobody(provider).finally(() => provider.close());
  });
});

describeWithBubblewrap('what calls leave running under bubblewrap', () => {
  test('has ended before they are answered', async () => {
    const provider = await bubblewrapProvider();
    await leavesNobody(provider).finally(() => provider.close());
  });
});
