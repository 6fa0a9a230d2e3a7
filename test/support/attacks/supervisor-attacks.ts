import { type Attack, ENDS, STOPPED, THROUGH } from './attack.js';

/** Against PID 1, which answers for the sandbox and runs as the same user as the code. */
export const SUPERVISOR_ATTACKS: readonly Attack[] = [
  {
    name: 'read and change the supervisor',
    why: 'whoever holds it answers in the name of the sandbox',
    program: {
      python: `${THROUGH}
import os
def put(path, text):
    with open(path, 'w') as file: file.write(text)
through(memory=lambda: open('/proc/1/mem', 'rb'), maps=lambda: open('/proc/1/maps').read(),
        output=lambda: open('/proc/1/fd/1', 'wb'), input=lambda: open('/proc/1/fd/0', 'rb'), files=lambda: os.listdir('/proc/1/fd'),
        victim=lambda: put('/proc/1/oom_score_adj', '1000'), coredump=lambda: put('/proc/1/coredump_filter', 'ff'),
        slack=lambda: put('/proc/1/timerslack_ns', '4000000000'), stack=lambda: open('/proc/1/syscall').read(),
        name=lambda: put('/proc/1/comm', 'attack'),
        descriptor=lambda: __import__('ctypes').CDLL(None).syscall(438, os.pidfd_open(1), 1, 0))`,
    },
    limits: ENDS,
    expected: { outcome: 'completed', value: '[]' },
  },
  {
    name: 'kill the supervisor',
    why: 'the sandbox would end with it',
    program: {
      python: `
import os, signal, fcntl
for number in list(range(1, 32)) + [34, 50, 64]:
    try: os.kill(1, number)
    except OSError: pass
try: signal.pidfd_send_signal(os.pidfd_open(1), 9)
except (OSError, AttributeError): pass
# A pipe that sends a signal of our choice to its owner when it can be read.
read, write = os.pipe()
fcntl.fcntl(read, fcntl.F_SETOWN, 1)
fcntl.fcntl(read, 10, 9)
fcntl.fcntl(read, fcntl.F_SETFL, os.O_ASYNC)
os.write(write, b'x')
'done'`,
    },
    limits: ENDS,
    expected: { outcome: 'completed', value: "'done'" },
  },
  {
    name: 'kill everything',
    why: 'the same at one blow',
    program: { bash: 'sleep 600 & kill -9 -1; kill -9 0' },
    limits: ENDS,
    expected: { outcome: ['died', 'failed'] },
  },
  {
    name: 'starve the supervisor with its own limits',
    why: 'a process may set the limits of another of its user',
    program: {
      python: `
import resource
for limit, most in ((resource.RLIMIT_NOFILE, 3), (resource.RLIMIT_FSIZE, 0), (resource.RLIMIT_NPROC, 0), (resource.RLIMIT_AS, 1 << 20)):
    try: resource.prlimit(1, limit, (most, most))
    except OSError: pass
'done'`,
    },
    limits: ENDS,
    expected: { outcome: ['completed', 'sandbox_lost', 'died'], sandbox: 'kept or replaced' },
  },
  {
    name: 'end the supervisor by its processor limit',
    why: 'the kernel itself sends that SIGKILL, and PID 1 is not safe from it',
    program: {
      python: `
import resource
try: resource.prlimit(1, resource.RLIMIT_CPU, (0, 0))
except OSError: pass
'done'`,
    },
    limits: ENDS,
    expected: { outcome: ['completed', 'sandbox_lost', 'died'], sandbox: 'kept or replaced' },
  },
  {
    name: 'idle priority for the supervisor, sixty busy loops',
    why: 'one that never gets the processor can stop nothing',
    program: {
      python: `
import os
for act in (lambda: os.sched_setscheduler(1, os.SCHED_IDLE, os.sched_param(0)), lambda: os.setpriority(os.PRIO_PROCESS, 1, 19)):
    try: act()
    except OSError: pass
for _ in range(40):
    if os.fork() == 0:
        while True: pass
while True: pass`,
    },
    limits: STOPPED,
    expected: { outcome: ['timed_out', 'sandbox_lost'], sandbox: 'kept or replaced' },
  },
  {
    name: 'modules for the supervisor to import',
    why: 'it starts in the working directory: what it imports late would be ours',
    before: [
      {
        python: `
import sys
mark = "import os\\nif os.getpid() == 1: open('/tmp/imported-by-supervisor', 'a').write(__name__ + ' ')\\nraise ImportError(__name__)\\n"
for name in sys.stdlib_module_names | {'sitecustomize', 'usercustomize', 'gantry_kernel'}:
    with open(f'/workspace/{name}.py', 'w') as file: file.write(mark)
open('/workspace/python3.pth', 'w').write('import os; os.getpid()')`,
      },
      { python: 'import os; os._exit(1)' },
      { bash: 'kill -9 $$' },
      { python: 'raise RuntimeError("trace")' },
    ],
    program: { python: 'import os; os.path.exists("/tmp/imported-by-supervisor")' },
    limits: ENDS,
    expected: { outcome: 'completed', value: 'False' },
  },
];
