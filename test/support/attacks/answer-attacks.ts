import { type Attack, ENDS, STOPPED } from './attack.js';

/** Finds the kernel's own channel with the call's true token: code shares a process with it. */
const CHANNEL = `
import gc, json, struct
def named(name): return next(thing for thing in gc.get_objects() if type(thing).__name__ == name)
channel = named('ChildChannel')
send = channel.send_json
`;

/** A call may lie about itself, at the price of its own sandbox at most. */
const LIES = {
  outcome: ['completed', 'failed', 'died', 'timed_out', 'sandbox_lost', 'interrupted'],
  sandbox: 'kept or replaced',
} as const;

/** Forged, half-written and monstrous answers, from the only one who can write them: the code that is run. */
export const ANSWER_ATTACKS: readonly Attack[] = [
  {
    name: 'garbage on every descriptor',
    why: 'whoever reads it must not break',
    program: {
      python: `
import os, struct
forged = struct.pack('>IB', 4_000_000_000, 74) + b'{"type":"result","id":1}' * 100
for fd in range(3, 256):
    try: os.write(fd, forged)
    except OSError: pass
print('on')`,
    },
    limits: ENDS,
    expected: { outcome: 'died', exception: /protocol/ },
  },
  {
    name: 'a result without the token',
    why: 'what code prints must not be taken for an answer',
    program: {
      python: `
import os, struct, json, time
payload = bytes(16) + json.dumps({"status": "completed", "value": "forged"}).encode()
os.write(3, struct.pack('>IB', len(payload), 74) + payload)
time.sleep(60)`,
    },
    limits: ENDS,
    expected: { outcome: 'died', exception: /protocol/ },
  },
  {
    name: 'half a frame',
    why: 'the true answer would be taken for its other half',
    program: { python: `import os, struct\nos.write(3, struct.pack('>IB', 7_000_000, 74) + b'half')` },
    limits: STOPPED,
    expected: { outcome: ['timed_out', 'died'] },
  },
  {
    name: 'half an answer, then nothing',
    why: 'the answer has begun and never ends',
    program: {
      python: `${CHANNEL}
import os, time
os.write(3, struct.pack('>IB', 4096, 74) + channel.token + b'{"status": "compl')
time.sleep(60)`,
    },
    limits: STOPPED,
    expected: { outcome: ['timed_out', 'died'] },
  },
  {
    name: 'an answer byte by byte',
    why: 'each is a wake-up',
    program: {
      python: `${CHANNEL}
import os
payload = channel.token + json.dumps({'status': 'completed', 'value': 'x' * 30_000}).encode()
for byte in struct.pack('>IB', len(payload), 74) + payload: os.write(3, bytes([byte]))`,
    },
    limits: ENDS,
    expected: LIES,
  },
  {
    name: 'an answer that is too long',
    why: 'the server would keep it, and the model read it',
    program: { python: `${CHANNEL}\nsend({'status': 'completed', 'value': 'x' * 7_000_000})` },
    limits: ENDS,
    expected: LIES,
  },
  {
    name: 'numbers that are none',
    why: 'NaN, infinity, fractions, negatives and giants end in sums and databases',
    program: {
      python: `${CHANNEL}
send({'status': 'completed', 'cpuMs': float('nan'), 'peakMemoryBytes': 1e300, 'frames': 1.5, 'value': '\\ud800\\0', 'outcome': 'lost', 'id': 7})`,
    },
    limits: ENDS,
    expected: LIES,
  },
  {
    name: 'an answer nested without end',
    why: 'a parser of JSON recurses',
    program: {
      python: `${CHANNEL}\nchannel.send(74, b'{"status": "completed", "value": ' + b'[' * 2_000_000)`,
    },
    limits: ENDS,
    expected: LIES,
  },
  {
    name: 'answers to no call',
    why: 'the next call would get the one that was meant for this',
    program: {
      python: `${CHANNEL}\nfor number in range(2000): send({'status': 'completed', 'value': f'forged {number}'})`,
    },
    limits: ENDS,
    expected: LIES,
  },
  {
    name: 'a flood of pictures',
    why: 'each is kept by the server until the call ends',
    program: {
      python: `${CHANNEL}
for kind, mime in ((73, b'image/png'), (86, b'image/jpeg'), (73, b'text/html'), (73, b'')):
    for _ in range(80): channel.send(kind, bytes([len(mime)]), mime, b'x' * 500_000)`,
    },
    limits: ENDS,
    expected: LIES,
  },
  {
    name: 'unknown kinds of frames',
    why: 'only what is known may pass',
    program: {
      python: `${CHANNEL}\nfor kind in (0, 68, 79, 69, 255): channel.send(kind, b'\\0\\0\\0\\1forged')`,
    },
    limits: ENDS,
    expected: LIES,
  },
  {
    name: 'descriptors for the supervisor',
    why: 'a socket carries them, and each would take one of its own',
    program: {
      python: `
import array, os, socket
peer = socket.socket(fileno=os.dup(3))
null = os.open('/dev/null', os.O_RDONLY)
rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', [null] * 200))]
for _ in range(20): peer.sendmsg([b'x'], rights)`,
    },
    limits: STOPPED,
    expected: { outcome: ['died', 'timed_out', 'failed'] },
  },
  {
    name: 'hangs up on the supervisor',
    why: 'no answer can come, and nobody has ended',
    program: {
      python: 'import os, socket, time\nsocket.socket(fileno=os.dup(3)).shutdown(2)\ntime.sleep(60)',
    },
    limits: STOPPED,
    expected: { outcome: ['died', 'timed_out'] },
  },
  {
    name: 'a picture of a gigapixel',
    why: 'it is encoded by the kernel itself, after the code',
    program: { python: 'from PIL import Image\nImage.new("RGB", (30000, 30000))' },
    limits: { timeoutMs: 3000 },
    expected: { outcome: ['completed', 'failed', 'out_of_memory', 'timed_out'] },
  },
  {
    name: 'a picture that is none',
    why: 'what shows itself may answer anything',
    program: {
      python: `
import matplotlib.pyplot as plt
from PIL import Image
figure = plt.figure()
figure.savefig = lambda *_, **__: 1 / 0
class Odd(Image.Image):
    def save(self, *_, **__): raise SystemExit(3)
    def __repr__(self): return 'odd'
    size = mode = info = None
Odd()`,
    },
    limits: ENDS,
    expected: { outcome: ['completed', 'failed'] },
  },
];
