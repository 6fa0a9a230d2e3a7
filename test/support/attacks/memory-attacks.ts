import { type Attack, ENDS } from './attack.js';

const OUT_OF_MEMORY = { outcome: ['out_of_memory', 'failed'] } as const;

/** Take all the memory there is, of each kind. */
export const MEMORY_ATTACKS: readonly Attack[] = [
  {
    name: 'memory bomb of Python objects',
    why: 'the host would run out of memory',
    program: { python: 'x = []\nwhile True: x.append(bytes(10_000_000))' },
    limits: ENDS,
    expected: OUT_OF_MEMORY,
  },
  {
    name: 'memory bomb of numpy',
    why: 'one call, one mapping',
    program: { python: 'import numpy\nx = numpy.ones(4_000_000_000 // 8)\nx.sum()' },
    limits: ENDS,
    expected: OUT_OF_MEMORY,
  },
  {
    name: 'memory bomb of many processes',
    why: 'each is small: a limit for one process would not see them',
    program: {
      python: `
import os, time
for _ in range(30):
    if os.fork() == 0:
        x = bytearray(os.urandom(1) * 30_000_000)
        time.sleep(600)
time.sleep(600)`,
    },
    limits: { timeoutMs: 1500 },
    expected: { outcome: ['out_of_memory', 'timed_out'] },
  },
  {
    name: 'memory bomb behind a better score',
    why: 'a process that lowers its score would have the supervisor killed in its place',
    program: {
      python: `
import os, time
for _ in range(50):
    if os.fork() == 0:
        for score in (-1000, 0, 500):
            try: open('/proc/self/oom_score_adj', 'w').write(str(score)); break
            except OSError: pass
        os.execvp('python3', ['python3', '-S', '-c', 'x = bytearray(b"x" * 9_000_000)\\nimport time\\ntime.sleep(600)'])
time.sleep(600)`,
    },
    limits: { timeoutMs: 2500 },
    expected: { outcome: ['out_of_memory', 'timed_out', 'sandbox_lost'], sandbox: 'kept or replaced' },
  },
  {
    name: 'memory bomb in the shell',
    why: 'the interpreter beside it must not pay',
    program: { bash: `python3 -c 'x = bytearray(2 ** 30); print(1)'` },
    limits: ENDS,
    expected: OUT_OF_MEMORY,
  },
  {
    name: 'memory of a value to show',
    why: 'it is made by the kernel itself, after the code',
    program: { python: 'class Huge:\n  def __repr__(self): return "a" * (10 ** 9)\nHuge()' },
    limits: ENDS,
    expected: OUT_OF_MEMORY,
  },
  {
    name: 'recursion in C',
    why: 'the stack ends in a crash, not in an exception',
    program: {
      python: `
import sys, threading
sys.setrecursionlimit(10 ** 9)
threading.stack_size(64 << 20)
def deep(n): return deep(n + 1)
class Deep:
    def __repr__(self): return repr([self])
repr(Deep()), deep(0)`,
    },
    limits: ENDS,
    expected: { outcome: ['died', 'out_of_memory', 'failed'] },
  },
  {
    name: 'nesting in C',
    why: 'parsers recurse: of code, of JSON, of pickles',
    program: {
      python: `
import ast, json, pickle
tried = []
for name, attempt in (('json', lambda: json.loads('[' * 10 ** 6)), ('code', lambda: ast.parse('(' * 10 ** 5)),
                      ('pickle', lambda: pickle.loads(b'(' * 10 ** 6 + b'l' * 10 ** 5 + b'.'))):
    try: attempt()
    except BaseException as error: tried.append(name)
tried`,
    },
    limits: ENDS,
    expected: { outcome: ['completed', 'died'] },
  },
  {
    name: 'mappings of a terabyte',
    why: 'what is not touched costs nothing, what is touched must count',
    program: {
      python: `
import mmap
maps = []
try:
    for _ in range(64): maps.append(mmap.mmap(-1, 1 << 34, flags=mmap.MAP_PRIVATE | 0x4000))
except (OSError, ValueError): pass
x = mmap.mmap(-1, 1 << 31)
for offset in range(0, 1 << 31, 4096): x[offset] = 1`,
    },
    limits: ENDS,
    expected: OUT_OF_MEMORY,
  },
  {
    name: 'memory that no process holds',
    why: 'System V shared memory outlives who made it: killing gives nothing back',
    program: {
      python: `
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
libc.shmat.restype = ctypes.c_void_p
made = 0
for _ in range(40):
    segment = libc.shmget(0, 16 << 20, 0o1600)
    if segment == -1: break
    place = libc.shmat(segment, None, 0)
    if place in (None, ctypes.c_void_p(-1).value): break
    ctypes.memset(place, 1, 16 << 20)
    libc.shmdt(ctypes.c_void_p(place))
    made += 1
made`,
    },
    limits: ENDS,
    expected: {
      outcome: ['completed', 'out_of_memory', 'died', 'sandbox_lost'],
      sandbox: 'kept or replaced',
    },
  },
  {
    name: 'messages that nobody receives',
    why: 'queues are memory of the kernel',
    program: {
      python: `
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
message = ctypes.create_string_buffer(b'\\1\\0\\0\\0\\0\\0\\0\\0' + b'x' * 8000)
sent = 0
for _ in range(30000):
    queue = libc.msgget(0, 0o1600)
    if queue == -1: break
    while libc.msgsnd(queue, message, 8000, 0o4000) == 0: sent += 1
sent >= 0`,
    },
    limits: { timeoutMs: 2000 },
    expected: {
      outcome: ['completed', 'out_of_memory', 'timed_out', 'died', 'sandbox_lost'],
      sandbox: 'kept or replaced',
    },
  },
  {
    name: 'pipes full to the brim',
    why: 'each holds memory of the kernel',
    program: {
      python: `
import os, fcntl
held = 0
try:
    while True:
        read, write = os.pipe()
        try: fcntl.fcntl(write, 1031, 1 << 20)
        except OSError: pass
        os.set_blocking(write, False)
        try:
            while True: held += os.write(write, bytes(65536))
        except BlockingIOError: pass
except OSError: pass
held > 0`,
    },
    limits: ENDS,
    expected: { outcome: ['completed', 'out_of_memory'] },
  },
  {
    name: 'memory of connections',
    // With control groups of version 1 no limit of a sandbox counts it, only the kernel's tcp_mem, for the whole machine.
    why: 'what nobody reads waits in the kernel, beside the memory of every process',
    program: {
      python: `
import os, socket, time
read, write = os.pipe()
for _ in range(3):
    if os.fork(): continue
    listener = socket.create_server(('127.0.0.1', 0))
    held, ends = 0, []
    for _ in range(110):
        sender = socket.create_connection(listener.getsockname())
        ends += [sender, listener.accept()[0]]
        sender.setblocking(False)
        try:
            while True: held += sender.send(bytes(1 << 20))
        except OSError: pass
    os.write(write, held.to_bytes(8, 'big'))
    time.sleep(60)
sum(int.from_bytes(os.read(read, 8), 'big') for _ in range(3))`,
    },
    limits: { timeoutMs: 6000 },
    expected: { outcome: ['completed', 'out_of_memory', 'timed_out'] },
  },
];
