import { type Attack, ENDS, type HostAnswer } from './attack.js';

const DONE = { outcome: 'completed' } as const;
const REFUSED: readonly HostAnswer[] = ['invalid_request'];
const ANY: readonly HostAnswer[] = ['done', 'invalid_request', 'not_found', 'too_large'];

/** The working directory: names, sizes, kinds and numbers of files that the host has to list, read and write. */
export const FILE_ATTACKS: readonly Attack[] = [
  {
    name: 'links to everywhere',
    why: 'the host would read or write what the link names',
    program: {
      bash: 'ln -s /etc/passwd link; ln -s / root; ln -s CANARY_FILE canary; ln -s . loop; mkdir d; ln -s ../../etc d/up; ln -s /proc/1/environ env',
    },
    limits: ENDS,
    expected: { ...DONE, changes: [] },
    host: [
      ...['link', 'root/etc/passwd', 'canary', 'd', 'd/up/passwd', 'env', 'loop/loop/link'].map((read) => ({
        read,
        answers: REFUSED,
      })),
      { write: 'root/tmp/escaped', bytes: 1, answers: REFUSED },
      { write: 'link', bytes: 4, answers: ['done'] },
      { remove: 'root/etc/passwd', answers: REFUSED },
      { list: ['link'] },
    ],
  },
  {
    name: 'pipes, sockets and devices',
    why: 'opening one waits for its other end',
    program: {
      python: `
import os, socket
os.mkfifo('pipe'); socket.socket(socket.AF_UNIX).bind('socket'); os.symlink('/dev/zero', 'zero')
try: os.mknod('device', 0o60666, os.makedev(8, 0))
except OSError: pass`,
    },
    limits: ENDS,
    expected: { ...DONE, changes: [] },
    host: [
      { read: 'pipe', answers: REFUSED },
      { read: 'socket', answers: REFUSED },
      { read: 'zero', answers: REFUSED },
      { read: 'device', answers: ['not_found', 'invalid_request'] },
      { list: [] },
    ],
  },
  {
    name: 'sparse giants',
    why: 'a file of an exabyte takes no room, until it is read',
    program: { bash: 'truncate -s 1T sparse; truncate -s 9007199254740991 most' },
    limits: ENDS,
    expected: { ...DONE, changes: ['most', 'sparse'] },
    host: [{ read: 'sparse', answers: ['too_large'] }, { list: ['most', 'sparse'] }],
  },
  {
    name: 'a file larger than a number',
    why: 'its size is past what JSON can carry exactly',
    program: { bash: 'truncate -s 4E huge' },
    limits: ENDS,
    expected: { outcome: ['completed', 'sandbox_lost'], sandbox: 'kept or replaced' },
  },
  {
    name: 'times outside of time',
    why: 'no calendar has the year 292 billion',
    program: {
      python: `
import os
for number, seconds in enumerate((-2 ** 40, -1, 2 ** 33, 2 ** 62)):
    open(f'f{number}', 'w').close()
    try: os.utime(f'f{number}', (seconds, seconds))
    except OSError: pass`,
    },
    limits: ENDS,
    expected: { ...DONE, changes: ['f0', 'f1', 'f2', 'f3'] },
    host: [{ list: ['f0', 'f1', 'f2', 'f3'] }],
  },
  {
    name: 'a full working directory',
    why: 'the host writes there too, and the next call must work',
    program: { python: 'open("fill", "wb").write(bytes(64 * 2 ** 20))' },
    limits: ENDS,
    expected: { outcome: 'failed', exception: /No space left on device/ },
    host: [{ write: 'more', bytes: 2 ** 20, answers: ['storage_full'] }, { list: ['fill'] }],
  },
  {
    name: 'all storage, then memory',
    why: 'files in memory are freed by no kill',
    before: [
      {
        bash: 'head -c 100M /dev/zero > fill; head -c 100M /dev/zero > /tmp/fill; head -c 100M /dev/zero > /dev/shm/fill; true',
      },
    ],
    program: { python: 'x = []\nwhile True: x.append(bytes(1_000_000))' },
    limits: ENDS,
    expected: { outcome: ['out_of_memory', 'failed', 'sandbox_lost'], sandbox: 'kept or replaced' },
  },
  {
    name: 'all names there are',
    why: 'empty files cost no bytes, and a scan sees each',
    program: {
      python:
        'number = 0\ntry:\n  while True:\n    open(f"f{number}", "w").close(); number += 1\nexcept OSError: pass',
    },
    limits: { timeoutMs: 2000 },
    expected: { outcome: ['completed', 'out_of_memory', 'timed_out'] },
    host: [{ list: 10_000 }],
  },
  {
    name: 'file names are data',
    why: 'they end in lists, paths, headers, terminals and prompts',
    program: {
      python: String.raw`
import os
for name in (b'a\nb', b'-rf', b'--help', b'\xff\xfe', b'\xed\xa0\x80', 'ünï'.encode(), b'x' * 255, '\u202egpj.exe'.encode(),
             b'\x1b[31m', b' ', b'...', b'$(touch pwned)', b';touch pwned', b'%00%2e%2e', b'C:\\con', '\u0301'.encode(), b'a"b\'c'):
    open(name, 'w').close()`,
    },
    limits: ENDS,
    expected: {
      ...DONE,
      changes: [
        '\u001B[31m',
        ' ',
        '$(touch pwned)',
        '%00%2e%2e',
        '--help',
        '-rf',
        '...',
        ';touch pwned',
        'C:\\con',
        'a\nb',
        'a"b\'c',
        'x'.repeat(255),
        'ünï',
        '\u0301',
        '\u202Egpj.exe',
      ],
    },
    host: [
      { read: 'a\nb', answers: ['done'] },
      { read: '-rf', answers: ['done'] },
      { remove: '$(touch pwned)', answers: ['done'] },
      { write: '; touch pwned', bytes: 1, answers: ['done'] },
      { write: 'x'.repeat(256), bytes: 1, answers: REFUSED },
      { write: 'nul\0name', bytes: 1, answers: REFUSED },
      { read: 'C:\\con', answers: ['done'] },
    ],
  },
  {
    name: 'names that grow on the way',
    why: 'a control byte is six characters of JSON: old and new names in one answer',
    before: [
      {
        python: String.raw`
for number in range(3800): open('\x01' * 245 + str(number), 'w').close()`,
      },
    ],
    program: {
      python: String.raw`
import os
for name in os.listdir(): os.rename(name, name.replace('\x01', '\x02'))`,
    },
    limits: ENDS,
    expected: { outcome: ['completed', 'sandbox_lost'], sandbox: 'kept or replaced' },
    host: [{ list: 3800 }],
  },
  {
    name: 'directories without end',
    why: 'deeper than any path may be',
    program: {
      python: `
import os
for number in range(300):
    os.mkdir('d' * 20); os.chdir('d' * 20)
open('deep', 'w').close(); os.chdir('/workspace')`,
    },
    limits: ENDS,
    expected: { ...DONE, changes: [] },
    host: [
      { read: 'd/'.repeat(300) + 'deep', answers: REFUSED },
      { write: 'e/'.repeat(300) + 'deep', bytes: 1, answers: REFUSED },
      { list: [] },
    ],
  },
  {
    name: 'a working directory nobody may enter',
    why: 'the next interpreter starts there',
    before: [{ python: 'import os; os.chmod("/workspace", 0)' }],
    program: { python: 'import os; os._exit(1)' },
    limits: { timeoutMs: 1000 },
    expected: { outcome: ['died', 'sandbox_lost'], sandbox: 'kept or replaced' },
  },
  {
    name: 'files nobody may read',
    why: 'a refusal is an answer',
    program: { bash: 'mkdir -p shut; touch shut/inside locked; chmod 0 locked shut' },
    limits: ENDS,
    expected: { ...DONE, changes: ['locked'] },
    host: [
      { read: 'locked', answers: REFUSED },
      { read: 'shut/inside', answers: REFUSED },
      { write: 'shut/new', bytes: 1, answers: REFUSED },
    ],
  },
  {
    name: 'a zip bomb',
    why: 'ten gigabytes in ten megabytes',
    program: {
      python: `
import zipfile
with zipfile.ZipFile('/tmp/bomb.zip', 'w', zipfile.ZIP_DEFLATED, compresslevel=1) as bomb:
    with bomb.open('zeros', 'w', force_zip64=True) as member:
        for _ in range(300): member.write(bytes(1 << 20))
zipfile.ZipFile('/tmp/bomb.zip').extractall()`,
    },
    limits: ENDS,
    expected: { outcome: 'failed', exception: /No space left on device/ },
  },
  {
    name: 'a tar bomb',
    why: 'names that climb, links that point away, devices',
    program: {
      python: String.raw`
import io, os, tarfile
made = io.BytesIO()
with tarfile.open(fileobj=made, mode='w') as tar:
    for name in ('../../CANARY_DIRECTORY/made', '/etc/made', '/opt/gantry/made'):
        tar.addfile(tarfile.TarInfo(name), io.BytesIO())
    for name, kind, target in (('away', tarfile.SYMTYPE, '/'), ('hard', tarfile.LNKTYPE, '/etc/passwd'), ('disk', tarfile.BLKTYPE, '')):
        member = tarfile.TarInfo(name); member.type = kind; member.linkname = target; tar.addfile(member)
    tar.addfile(tarfile.TarInfo('away/etc/made'), io.BytesIO())
made.seek(0)
for member in tarfile.open(fileobj=made):
    try: tarfile.open(fileobj=io.BytesIO(made.getvalue())).extract(member)
    except Exception: pass
[path for path in ('/etc/made', '/opt/gantry/made') if os.path.exists(path)]`,
    },
    limits: ENDS,
    expected: { ...DONE, value: '[]' },
    host: [
      { read: 'away/etc/passwd', answers: REFUSED },
      { read: 'hard', answers: ANY },
    ],
  },
  {
    name: 'attributes as storage',
    why: 'what hangs on a file counts in no size',
    program: {
      python: `
import os
stored = 0
try:
    for number in range(4000):
        open(f'a{number % 50}', 'a').close()
        os.setxattr(f'a{number % 50}', f'user.x{number}', bytes(60_000)); stored += 60_000
except OSError: pass
stored < 1 << 28`,
    },
    limits: ENDS,
    expected: { outcome: ['completed', 'out_of_memory'] },
  },
];
