import { type Attack, ENDS, STOPPED } from './attack.js';

const FLOOD = { outcome: 'timed_out', drops: true } as const;

/** Output without end, and output that is no text; tracebacks are output too. */
export const OUTPUT_ATTACKS: readonly Attack[] = [
  {
    name: 'endless print',
    why: 'the server would keep it all',
    program: { python: 'while True: print("y" * 1000)' },
    limits: { timeoutMs: 1000 },
    expected: FLOOD,
  },
  {
    name: 'endless raw output',
    why: 'gigabytes a second, past every buffer of Python',
    program: { python: 'import os\ndata = b"x" * (1 << 20)\nwhile True: os.write(1, data)' },
    limits: { timeoutMs: 1000 },
    expected: FLOOD,
  },
  {
    name: 'endless output of a grandchild',
    why: 'it is not the interpreter that prints',
    program: { python: 'import os; os.system("(yes >&2) & yes")' },
    limits: { timeoutMs: 1000 },
    expected: { outcome: ['timed_out', 'completed'], drops: true },
  },
  {
    name: 'endless output of the shell',
    why: 'a shell that is read to its end is never read to its end',
    program: { bash: 'yes' },
    limits: { timeoutMs: 1000 },
    expected: FLOOD,
  },
  {
    name: 'three hundred thousand lines',
    why: 'each could be a frame, an event and a row',
    program: { python: 'import os\nfor number in range(300_000): os.write(1, b"x\\n")' },
    limits: ENDS,
    expected: { outcome: 'completed', stdout: /^(x\n)+$/ },
  },
  {
    name: 'no output allowed',
    why: 'a cap of nothing is a cap',
    program: { python: 'print("x" * 10_000)' },
    limits: { timeoutMs: 20_000, maxOutputBytes: 0 },
    expected: { outcome: 'completed', stdout: '', drops: true },
  },
  {
    name: 'control bytes',
    why: 'a terminal obeys them; to carry them unharmed is all that is asked here',
    program: {
      python: String.raw`import os; os.write(1, b'\x1b]0;owned\x07\x1b[2J\x1b[1;31mred\x9b\x08\x7f\r\n\x00end')`,
    },
    limits: ENDS,
    expected: {
      outcome: 'completed',
      stdout: '\u001B]0;owned\u0007\u001B[2J\u001B[1;31mred\uFFFD\b\u007F\r\n\u0000end',
    },
  },
  {
    name: 'bytes that are no text',
    why: 'a half character must not swallow what comes after it',
    program: {
      python: String.raw`import os; os.write(1, b'\xff\xfe\xc3'); os.write(1, b'\xa9\xed\xa0\x80\xf0\x9f\x98'); os.write(1, b'\x80ok\xe2\x82')`,
    },
    limits: ENDS,
    expected: { outcome: 'completed', stdout: /^\uFFFD\uFFFDé\uFFFD+😀ok\uFFFD$/u },
  },
  {
    name: 'text without characters',
    why: 'lone surrogates cannot be written as UTF-8',
    program: { python: String.raw`print('a\ud800b'); '\udfff' * 3` },
    limits: ENDS,
    expected: { outcome: ['completed', 'failed'] },
  },
  {
    name: 'output that looks like frames',
    why: 'a line of output may hold anything',
    program: {
      python: String.raw`import os, struct; os.write(1, b'\x01\0\0\0\0\0\0\x10' + struct.pack('>IB', 24, 74) + b'{"type":"result","id":1}'); 'mine'`,
    },
    limits: ENDS,
    expected: { outcome: 'completed', value: "'mine'", stdout: /"type":"result"/ },
  },
  {
    name: 'a chain of a hundred thousand exceptions',
    why: 'a traceback of each would be written out',
    program: {
      python: `
error = ValueError('end')
for number in range(100_000):
    above = ValueError(number); above.__cause__ = error; error = above
raise error`,
    },
    limits: ENDS,
    expected: { outcome: ['failed', 'died', 'out_of_memory'] },
  },
  {
    name: 'an exception that is its own cause',
    why: 'whoever follows causes would not come back',
    program: {
      python: `
one, other = ValueError('one'), ValueError('other')
one.__context__ = other; other.__context__ = one; one.__cause__ = one
raise one`,
    },
    limits: ENDS,
    expected: { outcome: 'failed', exception: /ValueError: one/ },
  },
  {
    name: 'an exception of fifty megabytes',
    why: 'its text is made by the kernel itself',
    program: { python: 'raise ValueError("x" * 50_000_000)' },
    limits: ENDS,
    expected: { outcome: ['failed', 'out_of_memory'] },
  },
  {
    name: 'an exception that will not be told',
    why: 'its text never comes',
    program: {
      python: `
class Silent(Exception):
    def __str__(self):
        while True: pass
raise Silent()`,
    },
    limits: STOPPED,
    expected: { outcome: ['timed_out', 'failed'] },
  },
  {
    name: 'an exception that leaves while it is told',
    why: 'SystemExit in the middle of a report',
    program: {
      python: 'class Leaving(Exception):\n  def __str__(self): raise SystemExit(0)\nraise Leaving()',
    },
    limits: ENDS,
    expected: { outcome: ['failed', 'died'] },
  },
  {
    name: 'a group of exceptions of groups',
    why: 'a traceback that grows by powers',
    program: {
      python: `
error = ValueError('x')
for _ in range(25): error = ExceptionGroup('g', [error, error])
raise error`,
    },
    limits: { timeoutMs: 2000 },
    expected: { outcome: ['failed', 'timed_out', 'out_of_memory', 'died'] },
  },
  {
    name: 'code that is one line of fifty megabytes',
    why: 'a syntax error shows its line',
    program: { python: `exec('x = "' + 'y' * 50_000_000)` },
    limits: ENDS,
    expected: { outcome: ['failed', 'out_of_memory'] },
  },
  {
    name: 'a value that lies',
    why: 'repr may print, raise, or give no text',
    program: {
      python: `
class Liar:
    __class__ = int
    def __repr__(self): print('seen'); return 7
Liar()`,
    },
    limits: ENDS,
    expected: { outcome: 'failed', exception: /TypeError/ },
  },
  {
    name: 'reads what nobody types',
    why: 'a question to nobody would wait for ever',
    program: { bash: 'read line; cat; python3 -c "input()"; echo over' },
    limits: ENDS,
    expected: { outcome: 'completed', stdout: 'over\n' },
  },
  {
    name: 'a link where long output goes',
    why: 'the rest of it is written to a file, by the supervisor',
    before: [{ bash: 'ln -s /tmp output' }],
    program: { python: 'print("x" * 3_000_000)' },
    limits: ENDS,
    expected: { outcome: 'completed', drops: true, changes: [] },
    host: [{ list: [] }],
  },
  {
    name: 'pipes where long output goes',
    why: 'to open one waits for its other end',
    before: [
      {
        python: `
import os
os.mkdir('output')
for number in range(1, 200): os.mkfifo(f'output/call-{number}.stdout.txt')`,
      },
    ],
    program: { python: 'print("x" * 3_000_000)' },
    limits: ENDS,
    expected: { outcome: 'completed', drops: true },
  },
  {
    name: 'long output whose file is taken away',
    why: 'what the supervisor writes to may become something else meanwhile',
    program: {
      python: `
import glob, os, sys, time
print('x' * 3_000_000, flush=True)
for path in glob.glob('output/*'):
    os.remove(path); os.symlink('/etc/passwd', path)
os.write(1, b'x' * 1_000_000)`,
    },
    limits: ENDS,
    expected: { outcome: 'completed', drops: true },
    host: [{ list: [] }],
  },
  {
    name: 'long output into a full directory',
    why: 'the file cannot be written, the call is none the worse',
    before: [{ bash: 'head -c 1G /dev/zero > fill; true' }],
    program: { python: 'print("x" * 3_000_000); "done"' },
    limits: ENDS,
    expected: { outcome: 'completed', drops: true, value: "'done'" },
  },
];
