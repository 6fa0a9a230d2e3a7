import { type Attack, ENDS, type HostAnswer } from './attack.js';

const STARTED = { outcome: 'completed', value: "'begun'" } as const;
const ANY: readonly HostAnswer[] = ['done', 'invalid_request', 'not_found', 'too_large'];

/** A thread of the interpreter goes on between calls: it changes what the host looks at, while it looks. */
function meanwhile(setup: string, step: string): { readonly python: string } {
  return {
    python: `
import os, threading, time
${setup}
def work():
    while True:
        try:
            ${step.trim().replaceAll('\n', '\n            ')}
        except OSError: pass
        time.sleep(0)
threading.Thread(target=work, daemon=True).start()
'begun'`,
  };
}

/** Between two looks of the host. What a race may never give is the canary, or what lies outside. */
export const RACE_ATTACKS: readonly Attack[] = [
  {
    name: 'a file that becomes a link',
    why: 'checked as a file, opened as a link',
    program: meanwhile(
      "open('good', 'w').write('mine'); os.symlink('/etc/passwd', 'bad')",
      "os.rename('good', 'x'); os.rename('x', 'good'); os.rename('bad', 'x'); os.rename('x', 'bad')",
    ),
    limits: ENDS,
    expected: STARTED,
    host: [{ read: 'x', maxBytes: 100, answers: ANY }],
    tries: 200,
  },
  {
    name: 'a directory that becomes a link',
    why: 'the same one step higher',
    program: meanwhile(
      "os.mkdir('good'); open('good/passwd', 'w').write('mine'); os.symlink('/etc', 'bad')",
      "os.rename('good', 'd'); os.rename('d', 'good'); os.rename('bad', 'd'); os.rename('d', 'bad')",
    ),
    limits: ENDS,
    expected: STARTED,
    host: [
      { read: 'd/passwd', maxBytes: 100, answers: ANY },
      { write: 'd/made', bytes: 10, answers: ANY },
      { remove: 'd/made', answers: ANY },
    ],
    tries: 80,
  },
  {
    name: 'a file that becomes a pipe',
    why: 'the host would wait for a writer',
    program: meanwhile(
      "open('good', 'w').write('mine'); os.mkfifo('bad')",
      "os.rename('good', 'x'); os.rename('x', 'good'); os.rename('bad', 'x'); os.rename('x', 'bad')",
    ),
    limits: ENDS,
    expected: STARTED,
    host: [{ read: 'x', maxBytes: 100, answers: ANY }],
    tries: 200,
  },
  {
    name: 'a file that grows while it is read',
    why: 'its end would never come',
    program: meanwhile(
      "open('log', 'wb').write(bytes(1 << 20))",
      "with open('log', 'ab') as log: log.write(bytes(1 << 18))\nif os.path.getsize('log') > 20 << 20: os.truncate('log', 1 << 20)",
    ),
    limits: ENDS,
    expected: STARTED,
    host: [{ read: 'log', maxBytes: 8 << 20, answers: ['done', 'too_large'] }, { list: ['log'] }],
    tries: 15,
  },
  {
    name: 'a file that shrinks while it is read',
    why: 'what was announced does not come',
    program: meanwhile(
      "open('log', 'wb').write(bytes(4 << 20))",
      "os.truncate('log', 10); os.truncate('log', 4 << 20)",
    ),
    limits: ENDS,
    expected: STARTED,
    host: [{ read: 'log', maxBytes: 4 << 20, answers: ['done', 'invalid_request'] }],
    tries: 15,
  },
  {
    name: 'a directory that never rests',
    why: 'a scan walks what is renamed under it',
    program: meanwhile(
      "for number in range(200): os.makedirs(f'd{number % 10}', exist_ok=True); open(f'd{number % 10}/f{number}', 'w').close()",
      "for number in range(10): os.rename(f'd{number}', 'moved'); os.rename('moved', f'd{number}')",
    ),
    limits: ENDS,
    expected: STARTED,
    host: [{ list: 400 }],
    tries: 50,
  },
  {
    name: 'a lease on what the host wants',
    why: 'whoever opens the file waits until the holder lets go',
    program: {
      python: `
import fcntl, os, signal
signal.signal(signal.SIGIO, signal.SIG_IGN)
held = os.open('leased', os.O_RDWR | os.O_CREAT)
os.write(held, b'mine')
try: fcntl.fcntl(held, 1024, fcntl.F_WRLCK)
except OSError: pass
fcntl.flock(held, fcntl.LOCK_EX); fcntl.lockf(held, fcntl.LOCK_EX)
'begun'`,
    },
    limits: ENDS,
    expected: STARTED,
    host: [
      { read: 'leased', answers: ['done', 'invalid_request'] },
      { write: 'leased', bytes: 3, answers: ['done'] },
      { remove: 'leased', answers: ['done'] },
    ],
  },
  {
    name: 'a working directory that fills while the host writes',
    why: 'half a file must not stay',
    program: meanwhile(
      'pass',
      "with open('fill', 'ab') as file: file.write(bytes(1 << 20))\nif os.statvfs('.').f_bavail < 100: time.sleep(0.05); os.truncate('fill', 0)",
    ),
    limits: ENDS,
    expected: STARTED,
    host: [{ write: 'given', bytes: 8 << 20, answers: ['done', 'storage_full'] }, { list: 2 }],
    tries: 2,
  },
];
