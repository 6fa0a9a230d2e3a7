import { type Attack, ENDS, STOPPED } from './attack.js';

const DIED = { outcome: 'died' } as const;

/** Against the interpreter itself: end it, stop it, refuse to stop, spoil what the next call needs. */
export const INTERPRETER_ATTACKS: readonly Attack[] = [
  {
    name: 'endless loop',
    why: 'a call has to end at its time, with its variables',
    program: { python: 'while True: pass' },
    limits: STOPPED,
    expected: { outcome: 'timed_out' },
  },
  {
    name: 'sleep in a child',
    why: 'the wait is in C, the child is in the way',
    program: { python: 'import os; os.system("sleep 60")' },
    limits: STOPPED,
    expected: { outcome: ['timed_out', 'completed'] },
  },
  {
    name: 'a loop in C',
    why: 'no interrupt is seen before it ends',
    program: { python: 'sum(range(10 ** 12))' },
    limits: STOPPED,
    expected: { outcome: 'timed_out' },
  },
  {
    name: 'a regular expression that never ends',
    why: 'the same in another module',
    program: { python: 'import re; re.match(r"(a+)+$", "a" * 40 + "b")' },
    limits: STOPPED,
    expected: { outcome: 'timed_out' },
  },
  {
    name: 'interrupts ignored',
    why: 'only a kill ends it',
    program: { python: 'import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: pass' },
    limits: STOPPED,
    expected: { outcome: 'timed_out' },
  },
  {
    name: 'every signal blocked',
    why: 'the same for all of them',
    program: {
      python:
        'import signal\nsignal.pthread_sigmask(signal.SIG_BLOCK, range(1, signal.NSIG))\nwhile True: pass',
    },
    limits: STOPPED,
    expected: { outcome: 'timed_out' },
  },
  {
    name: 'interrupts caught for ever',
    why: 'an interrupt is an exception, and code may catch it',
    program: {
      python:
        'import time\nwhile True:\n  try:\n    while True: time.sleep(0.001)\n  except BaseException: pass',
    },
    limits: STOPPED,
    expected: { outcome: 'timed_out' },
  },
  {
    name: 'stops itself',
    why: 'a stopped process hears nothing',
    program: { python: 'import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)\nwhile True: pass' },
    limits: STOPPED,
    expected: { outcome: 'timed_out' },
  },
  {
    name: 'kills itself',
    why: 'the loss has to be told',
    program: { python: 'import os; os.kill(os.getpid(), 9)' },
    limits: ENDS,
    expected: DIED,
  },
  {
    name: 'leaves without a word',
    why: 'no answer is sent',
    program: { python: 'import os; os._exit(0)' },
    limits: ENDS,
    expected: DIED,
  },
  {
    name: 'crashes',
    why: 'a crash of the interpreter is no crash of the sandbox, and leaves no dump',
    program: { python: 'import ctypes; ctypes.string_at(0)' },
    limits: ENDS,
    expected: { ...DIED, changes: [] },
    host: [{ list: [] }],
  },
  {
    name: 'becomes another program',
    why: 'it inherits the socket to the supervisor',
    program: { python: 'import os; os.execvp("sh", ["sh", "-c", "cat <&3; exec sleep 60"])' },
    limits: STOPPED,
    expected: { outcome: ['timed_out', 'died'] },
  },
  {
    name: 'closes every descriptor',
    why: 'no answer can be sent',
    program: { python: 'import os; os.closerange(0, 4096); 1' },
    limits: ENDS,
    expected: { outcome: ['died', 'completed', 'failed'] },
  },
  {
    name: 'closes its output',
    why: 'the next call would be mute',
    program: { python: 'import sys, os; sys.stdout.close(); os.close(1); os.close(2)' },
    limits: ENDS,
    expected: { outcome: ['completed', 'failed', 'died'] },
  },
  {
    name: 'leaves by an exception',
    why: 'SystemExit ends a program, not the interpreter',
    program: { python: 'import sys; sys.exit("x" * 10_000_000)' },
    limits: ENDS,
    expected: { outcome: 'failed', exception: /^SystemExit: x+\n\[\d+ characters left out\]/ },
  },
  {
    name: 'wipes what is built in',
    why: 'the kernel uses it too',
    program: { python: 'import builtins\nbuiltins.__dict__.clear()' },
    limits: ENDS,
    expected: { outcome: ['died', 'failed', 'completed'] },
  },
  {
    name: 'replaces what the kernel calls',
    why: 'the next call must work, or be told of the loss',
    program: {
      python: `
import ast, builtins, json, os, signal, traceback
def fail(*_, **__): raise SystemExit('attack')
ast.parse = json.dumps = json.loads = traceback.TracebackException = signal.signal = fail
builtins.compile = builtins.repr = builtins.isinstance = fail
os.write = fail`,
    },
    limits: ENDS,
    expected: { outcome: ['died', 'failed', 'completed'] },
  },
  {
    name: 'a filter of its own',
    why: 'a process whose writes and exits are refused still has to end',
    program: {
      python: `
import ctypes
libc = ctypes.CDLL(None)
class Step(ctypes.Structure):
    _fields_ = [('code', ctypes.c_ushort), ('jt', ctypes.c_ubyte), ('jf', ctypes.c_ubyte), ('k', ctypes.c_uint)]
class Program(ctypes.Structure):
    _fields_ = [('length', ctypes.c_ushort), ('steps', ctypes.POINTER(Step))]
# write, exit, exit_group (x86_64, then arm64): refused as if they had worked.
numbers = (1, 60, 231, 64, 93, 94)
steps = [(0x20, 0, 0, 0)] + [(0x15, len(numbers) - index, 0, number) for index, number in enumerate(numbers)]
steps += [(6, 0, 0, 0x7fff0000), (6, 0, 0, 0x00050000)]
program = Program(len(steps), (Step * len(steps))(*(Step(*step) for step in steps)))
libc.prctl(22, 2, ctypes.byref(program))`,
    },
    limits: STOPPED,
    expected: { outcome: ['timed_out', 'died'] },
  },
  {
    name: 'a fork that goes on',
    why: 'two processes would answer for one',
    program: { python: 'import os\nparent = os.getpid()\nos.fork()\nos.getpid() == parent' },
    limits: ENDS,
    expected: { outcome: 'completed', value: 'True' },
  },
  {
    name: 'background processes',
    why: "their output would belong to another call, their work to nobody's time",
    program: {
      bash: '(sleep 600 & setsid sleep 601 & nohup sleep 602 >/dev/null 2>&1 &) ; (trap "" INT TERM HUP; exec sleep 603) & true',
    },
    limits: ENDS,
    expected: { outcome: 'completed', stdout: '' },
  },
  {
    name: 'locale, time zone and working directory',
    why: 'settings of the process outlive the call',
    program: {
      python: `
import locale, os, sys, time
os.environ.clear()
os.environ['TZ'] = 'Pacific/Kiritimati'; time.tzset()
try: locale.setlocale(locale.LC_ALL, 'C')
except locale.Error: pass
os.umask(0o777); os.chdir('/'); sys.path.clear(); sys.setrecursionlimit(60); sys.setswitchinterval(100)
'done'`,
    },
    limits: ENDS,
    expected: { outcome: 'completed', value: "'done'" },
  },
  {
    name: 'a pickle that runs commands',
    why: 'nothing outside the interpreter may unpickle',
    program: {
      python: `
import os, pickle
class Bomb:
    def __reduce__(self): return (os.system, ('kill -9 1; touch pickled',))
pickle.dump(Bomb(), open('bomb.pkl', 'wb'))
pickle.loads(pickle.dumps(Bomb()))
Bomb()`,
    },
    limits: ENDS,
    expected: { outcome: 'completed', changes: ['bomb.pkl', 'pickled'] },
  },
  {
    name: 'threads that go on',
    why: 'they run between calls and may not answer for one',
    program: {
      python: `
import os, threading
def work():
    while True:
        try: os.write(3, b'')
        except OSError: pass
for _ in range(8): threading.Thread(target=work, daemon=True).start()
'done'`,
    },
    limits: ENDS,
    expected: { outcome: 'completed', value: "'done'" },
  },
];
