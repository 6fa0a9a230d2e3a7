/**
 * Entry of the process in which guest code runs: no environment, no files, one pipe (fd 3) to its host, one
 * session in its life. The host kills it whenever it doubts it, so there is nothing here to shut down.
 *
 * Runs from `dist` and, in development and tests, straight from source: the folder's child files use only
 * TypeScript that Node can strip (no parameter properties, no decorators), see child-launch.ts.
 */
import { Socket } from 'node:net';
import { FileLine } from './file-line.js';
import { encodeFrame, FrameDecoder } from './frame-codec.js';
import { GuestSession, type GuestPort } from './guest-session.js';
import type { ChildFrame, HostFrame } from './isolate-frame.js';

const socket = new Socket({ fd: 3 });
const decoder = new FrameDecoder();
const files = new FileLine();

function send(frame: ChildFrame, body?: Uint8Array): void {
  socket.write(encodeFrame(frame, body));
}

/** The host is gone, or something broke. Never Node's own exit: its tear-down hangs on a live isolate. */
function leave(): void {
  process.kill(process.pid, 'SIGKILL');
}
socket.on('close', leave);
socket.on('error', leave);
process.on('exit', leave);

const port: GuestPort = {
  output: (call, stream, text) => send({ type: 'output', call, stream, text }),
  request: (call, request, operation, body) => {
    const ask = (): void => send({ type: 'request', call, request, operation }, body);
    if (operation.name !== 'callTool')
      return files.enter({ call, request, bytes: body?.byteLength ?? 0, ask });
    ask();
    return undefined;
  },
};

const session = await GuestSession.start(port, Number(process.argv[2]));

async function run({ call, ...program }: HostFrame & { type: 'run' }): Promise<void> {
  const result = await session.run(call, program);
  files.forgetWaiting();
  send({ type: 'done', call, ...result });
}

function handle(frame: HostFrame, body: Buffer): void {
  switch (frame.type) {
    case 'run':
      void run(frame);
      return;
    case 'interrupt':
      session.interrupt(frame.call);
      return;
    case 'reply':
      files.answered(frame.call, frame.request);
      session.reply(frame.call, frame.request, frame.error, body);
      return;
    default:
      frame satisfies never;
  }
}

socket.on('data', (chunk: Buffer) => {
  for (const { header, body } of decoder.push(chunk)) handle(header as HostFrame, body);
});
send({ type: 'ready' });
