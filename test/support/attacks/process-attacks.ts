import { type Attack, ENDS, STOPPED } from './attack.js';

/** On a busy machine the host's own deadline may come before the bomb is dead. */
const FOUGHT = { outcome: ['timed_out', 'sandbox_lost'], sandbox: 'kept or replaced' } as const;

/** Take all there is of processes, threads, descriptors and time. */
export const PROCESS_ATTACKS: readonly Attack[] = [
  {
    name: 'fork bomb in Python',
    why: 'the host would run out of processes',
    program: { python: 'import os\nwhile True:\n  try: os.fork()\n  except OSError: pass' },
    limits: STOPPED,
    expected: FOUGHT,
  },
  {
    name: 'fork bomb in bash',
    why: 'the same without an interpreter to stop',
    program: { bash: 'bomb() { bomb | bomb & }; bomb; sleep 60' },
    limits: STOPPED,
    expected: { ...FOUGHT, outcome: ['timed_out', 'failed', 'completed', 'sandbox_lost'] },
  },
  {
    name: 'a fork bomb that cannot be interrupted',
    why: 'each process flees from signals into a session of its own',
    program: {
      python: `
import os, signal
for number in range(1, 65):
    try: signal.signal(number, signal.SIG_IGN)
    except (OSError, ValueError): pass
while True:
    try:
        if os.fork() == 0: os.setsid()
    except OSError: pass`,
    },
    limits: STOPPED,
    expected: FOUGHT,
  },
  {
    name: 'thread bomb',
    why: 'threads count as processes do',
    program: {
      python: `
import threading, time
many = 0
try:
    while True:
        threading.Thread(target=time.sleep, args=(600,), daemon=True).start()
        many += 1
except RuntimeError:
    pass
many < 4096`,
    },
    limits: ENDS,
    expected: { outcome: 'completed', value: 'True' },
  },
  {
    name: 'zombies and orphans by the hundred',
    why: 'whoever does not reap them runs out of processes',
    program: {
      python: `
import os
for _ in range(150):
    try: pid = os.fork()
    except OSError:
        try: os.wait()
        except ChildProcessError: pass
        continue
    if pid == 0:
        try: os.fork()
        finally: os._exit(0)
'done'`,
    },
    limits: ENDS,
    expected: { outcome: 'completed', value: "'done'" },
  },
  {
    name: 'a flood of signals and ended children',
    why: 'the supervisor wakes for each',
    program: {
      python: `
import os, signal
while True:
    os.kill(1, signal.SIGCHLD)
    if os.fork() == 0: os._exit(0)
    os.wait()`,
    },
    limits: STOPPED,
    expected: { outcome: ['timed_out', 'failed'] },
  },
  {
    name: 'all descriptors',
    why: 'the interpreter needs one to answer, the host has a limit too',
    program: { python: 'held = []\nwhile True: held.append(open("/dev/null"))' },
    limits: ENDS,
    expected: { outcome: 'failed', exception: /Too many open files/ },
  },
  {
    name: 'a flood of watches',
    why: 'inotify instances and watches are counted for the host user',
    program: {
      python: `
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
watches = []
while (fd := libc.inotify_init1(0)) != -1: watches.append(fd)
for number in range(2000):
    open(f'w{number}', 'w').close()
    for fd in watches[:4]: libc.inotify_add_watch(fd, f'w{number}'.encode(), 0xfff)
for number in range(2000): os.unlink(f'w{number}')
len(watches) < 256`,
    },
    limits: ENDS,
    expected: { outcome: 'completed', value: 'True' },
  },
  {
    name: 'busy loops',
    why: 'one sandbox must not take every processor, nor go on after its time',
    program: {
      python: 'import os\nfor _ in range(20): os.fork() or exec("while True: pass")\nwhile True: pass',
    },
    limits: STOPPED,
    expected: { outcome: 'timed_out' },
  },
  {
    name: 'locked memory and huge limits',
    why: 'limits must not be raised from inside',
    program: {
      python: `
import resource
raised = []
for name in ('RLIMIT_NOFILE', 'RLIMIT_CORE'):
    limit = getattr(resource, name)
    hard = resource.getrlimit(limit)[1]
    try: resource.setrlimit(limit, (hard + 1, hard + 1)); raised.append(name)
    except (ValueError, OSError): pass
raised`,
    },
    limits: ENDS,
    expected: { outcome: 'completed', value: '[]' },
  },
  {
    name: 'a fork bomb that may stay',
    why: 'processes that are kept on request must not keep the next call out',
    program: { bash: 'bomb() { bomb | bomb & }; bomb; yes & sleep 600 & true' },
    limits: { timeoutMs: 2000, background: 'keep' },
    expected: { outcome: ['completed', 'failed', 'timed_out'] },
  },
  {
    name: 'endless output that may stay',
    why: 'nobody reads it any more, and it belongs to no later call',
    program: { bash: 'yes & (while true; do echo late >&2; done) & true' },
    limits: { timeoutMs: 2000, background: 'keep' },
    expected: { outcome: ['completed', 'timed_out'] },
  },
];
