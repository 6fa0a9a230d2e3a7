import { StringDecoder } from 'node:string_decoder';
import type { ExecutionLimits, ExecutionResult, OutputSink, SandboxImage } from '../sandbox.js';
import type { RequestFrameKind } from './frame-codec.js';
import type { KernelAnswer, KernelConnection, KernelListener } from './kernel-connection.js';
import type { KernelRefusal, KernelResult } from './kernel-messages.js';

export type ExecutionRequest =
  | { readonly op: 'exec'; readonly code: string }
  | { readonly op: 'shell'; readonly commands: readonly string[] };

const DEFAULT_MAX_OUTPUT_BYTES = 2 ** 20;
const HOST_GRACE_MS = 5000;
const MAX_PICTURE_BYTES = 32 * 2 ** 20;
const PICTURE_TYPES = new Set(['image/png', 'image/jpeg']);

class OutputText {
  text = '';
  readonly #decoder = new StringDecoder('utf8');
  #room: number;

  constructor(maxBytes: number) {
    this.#room = maxBytes;
  }

  /** The new whole characters; nothing past the cap, whatever the sandbox sends. */
  take(bytes: Buffer): string {
    const kept = bytes.subarray(0, this.#room);
    this.#room -= kept.length;
    return this.#append(this.#decoder.write(kept));
  }

  end(): string {
    return this.#append(this.#decoder.end());
  }

  #append(text: string): string {
    this.text += text;
    return text;
  }
}

/** One call on its way through the kernel. Ends by itself, at the host's deadline at the latest. */
class Execution implements KernelListener {
  readonly #settled = Promise.withResolvers<ExecutionResult>();
  readonly #started = performance.now();
  readonly #output: { readonly stdout: OutputText; readonly stderr: OutputText };
  readonly #pictures: { readonly image: SandboxImage[]; readonly videoFrame: SandboxImage[] } = {
    image: [],
    videoFrame: [],
  };
  #pictureBytes = 0;
  #sinking: Promise<void> = Promise.resolve();
  #sinkFailure: { readonly cause: unknown } | undefined;
  #deadline: NodeJS.Timeout;
  readonly #id: number;

  constructor(
    private readonly connection: KernelConnection,
    request: ExecutionRequest,
    limits: ExecutionLimits,
    private readonly onOutput: OutputSink,
  ) {
    const maxOutputBytes = limits.maxOutputBytes ?? DEFAULT_MAX_OUTPUT_BYTES;
    this.#output = { stdout: new OutputText(maxOutputBytes), stderr: new OutputText(maxOutputBytes) };
    this.#deadline = this.#destroyAfter(limits.timeoutMs + HOST_GRACE_MS);
    this.#id = connection.request({ ...request, timeoutMs: limits.timeoutMs, maxOutputBytes }, this);
  }

  get result(): Promise<ExecutionResult> {
    return this.#settled.promise;
  }

  interrupt(): void {
    clearTimeout(this.#deadline);
    this.#deadline = this.#destroyAfter(HOST_GRACE_MS);
    this.connection.tell(this.#id, 'interrupt');
  }

  frame(kind: RequestFrameKind, body: Buffer): void {
    switch (kind) {
      case 'stdout':
      case 'stderr':
        this.#emit(kind, this.#output[kind].take(body));
        return;
      case 'image':
      case 'videoFrame':
        this.#takePicture(kind, body);
        return;
      case 'data':
        return;
      default:
        kind satisfies never;
    }
  }

  answer(answer: KernelAnswer): void {
    if (answer.type === 'result') this.#finish(fieldsOf(answer));
    else if (answer.type === 'refused') this.#finish(refusedFields(answer));
    else this.connection.close('the sandbox answered a call as if it were a file request');
  }

  lost(): void {
    this.#finish(LOST);
  }

  #finish(fields: ResultFields): void {
    clearTimeout(this.#deadline);
    const { stdout, stderr } = this.#output;
    this.#emit('stdout', stdout.end());
    this.#emit('stderr', stderr.end());
    const result = {
      durationMs: performance.now() - this.#started,
      ...fields,
      stdout: stdout.text,
      stderr: stderr.text,
      images: this.#pictures.image,
      videoFrames: this.#pictures.videoFrame,
    };
    void this.#settle(result);
  }

  async #settle(result: ExecutionResult): Promise<void> {
    await this.#sinking;
    if (this.#sinkFailure === undefined) this.#settled.resolve(result);
    else this.#settled.reject(this.#sinkFailure.cause);
  }

  /** In order, one at a time. A sink that fails ends the call: nobody would see what it prints. */
  #emit(stream: 'stdout' | 'stderr', text: string): void {
    if (text === '') return;
    this.#sinking = this.#sinkAfter(this.#sinking, stream, text);
  }

  async #sinkAfter(previous: Promise<void>, stream: 'stdout' | 'stderr', text: string): Promise<void> {
    await previous;
    if (this.#sinkFailure !== undefined) return;
    try {
      await this.onOutput({ stream, text });
    } catch (cause) {
      this.#sinkFailure = { cause };
      this.interrupt();
    }
  }

  #takePicture(kind: 'image' | 'videoFrame', body: Buffer): void {
    const typeEnd = 1 + (body[0] ?? 0);
    const mimeType = body.toString('latin1', 1, typeEnd);
    this.#pictureBytes += body.length;
    if (!PICTURE_TYPES.has(mimeType) || this.#pictureBytes > MAX_PICTURE_BYTES) return;
    // A copy: the body is a window of a much larger read.
    this.#pictures[kind].push({ mimeType, data: Uint8Array.from(body.subarray(typeEnd)) });
  }

  #destroyAfter(milliseconds: number): NodeJS.Timeout {
    return setTimeout(
      () => this.connection.close('it did not stop when asked to'),
      Math.min(milliseconds, 2 ** 31 - 1),
    );
  }
}

type ResultFields = Omit<ExecutionResult, 'stdout' | 'stderr' | 'images' | 'videoFrames' | 'durationMs'> & {
  readonly durationMs?: number;
};

const LOST = {
  outcome: 'sandbox_lost',
  stateKept: false,
  droppedBytes: 0,
  videoFrameCount: 0,
  changes: [],
} as const satisfies ResultFields;

const NOT_STARTED: ExecutionResult = {
  outcome: 'interrupted',
  stateKept: true,
  stdout: '',
  stderr: '',
  droppedBytes: 0,
  images: [],
  videoFrames: [],
  videoFrameCount: 0,
  durationMs: 0,
  changes: [],
};

/** The kernel could not start the call, such as a shell when no process is left to be had. */
function refusedFields(refusal: KernelRefusal): ResultFields {
  return { ...LOST, outcome: 'failed', stateKept: true, exception: refusal.message };
}

function fieldsOf({ type: _type, id: _id, frames, ...result }: KernelResult): ResultFields {
  const { value, exception, exitCode, cpuMs, peakMemoryBytes, ...always } = result;
  return {
    ...always,
    videoFrameCount: frames,
    ...(value === undefined ? {} : { value }),
    ...(exception === undefined ? {} : { exception }),
    ...(exitCode === undefined ? {} : { exitCode }),
    ...(cpuMs === undefined ? {} : { cpuMs }),
    ...(peakMemoryBytes === undefined ? {} : { peakMemoryBytes }),
  };
}

/** Runs one call to its end; `onStart` gets the way to interrupt it. Rejects only with what the sink threw. */
export async function runExecution(
  connection: KernelConnection,
  request: ExecutionRequest,
  limits: ExecutionLimits,
  onOutput: OutputSink,
  signal: AbortSignal,
  onStart: (interrupt: () => void) => void,
): Promise<ExecutionResult> {
  if (signal.aborted) return NOT_STARTED;
  const execution = new Execution(connection, request, limits, onOutput);
  const interrupt = (): void => execution.interrupt();
  onStart(interrupt);
  signal.addEventListener('abort', interrupt, { once: true });
  try {
    return await execution.result;
  } finally {
    signal.removeEventListener('abort', interrupt);
  }
}
