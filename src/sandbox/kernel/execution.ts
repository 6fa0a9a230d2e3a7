import { StringDecoder } from 'node:string_decoder';
import { DomainError } from '../../errors.js';
import type { ExecutionLimits, ExecutionResult, OutputSink, SandboxImage } from '../sandbox.js';
import type { RequestFrameKind } from './frame-codec.js';
import type { KernelAnswer, KernelConnection, KernelListener } from './kernel-connection.js';
import type { KernelRefusal, KernelResult } from './kernel-messages.js';

export type ExecutionRequest =
  | { readonly op: 'exec'; readonly code: string }
  | { readonly op: 'shell'; readonly commands: readonly string[] }
  /** For the call of that key, begun by an earlier host: never runs anything. */
  | { readonly op: 'resume'; readonly key: string };

const DEFAULT_MAX_OUTPUT_BYTES = 2 ** 20;
const HOST_GRACE_MS = 5000;
const MAX_OUTPUT_BYTES = 64 * 2 ** 20;
const MAX_TIMEOUT_MS = 2 ** 31 - 1 - HOST_GRACE_MS;
/** As JSON; the kernel takes frames a little larger than this. */
const MAX_REQUEST_BYTES = 7 * 2 ** 20;
const MAX_JSON_BYTES_PER_CHARACTER = 6;
const MAX_IMAGE_BYTES = 32 * 2 ** 20;
const MAX_IMAGES = 16;
const MAX_VIDEO_FRAME_BYTES = 16 * 2 ** 20;
const MAX_VIDEO_FRAMES = 60;
const PICTURE_TYPES = new Set(['image/png', 'image/jpeg']);

class OutputText {
  text = '';
  /** Most calls print nothing. */
  #decoder: StringDecoder | undefined;
  #room: number;

  constructor(maxBytes: number) {
    this.#room = maxBytes;
  }

  /** The new whole characters; nothing past the cap, whatever the sandbox sends. */
  take(bytes: Buffer): string {
    const kept = bytes.subarray(0, this.#room);
    this.#room -= kept.length;
    this.#decoder ??= new StringDecoder('utf8');
    return this.#append(this.#decoder.write(kept));
  }

  end(): string {
    return this.#append(this.#decoder?.end() ?? '');
  }

  #append(text: string): string {
    this.text += text;
    return text;
  }
}

/** The newest pictures that there is room for: where more come, the oldest go. */
class Pictures {
  readonly kept: SandboxImage[] = [];
  #bytes = 0;

  constructor(
    private readonly maxBytes: number,
    private readonly maxCount: number,
  ) {}

  add(mimeType: string, data: Buffer): void {
    // A copy: the body is a window of a much larger read.
    this.kept.push({ mimeType, data: Uint8Array.from(data) });
    this.#bytes += data.length;
    while (this.#bytes > this.maxBytes || this.kept.length > this.maxCount) {
      this.#bytes -= this.kept.shift()?.data.length ?? 0;
    }
  }
}

/** One call on its way through the kernel. Ends by itself, at the host's deadline at the latest. */
class Execution implements KernelListener {
  readonly #settled = Promise.withResolvers<ExecutionResult>();
  readonly #started = performance.now();
  readonly #output: { readonly stdout: OutputText; readonly stderr: OutputText };
  readonly #pictures = {
    image: new Pictures(MAX_IMAGE_BYTES, MAX_IMAGES),
    videoFrame: new Pictures(MAX_VIDEO_FRAME_BYTES, MAX_VIDEO_FRAMES),
  };
  #sinking: Promise<void> = Promise.resolve();
  #sinkFailure: { readonly cause: unknown } | undefined;
  /** Undefined once the call has ended in the sandbox: nothing to stop there, though its output is still on the way. */
  #deadline: NodeJS.Timeout | undefined;
  readonly #id: number;

  constructor(
    private readonly connection: KernelConnection,
    private readonly request: ExecutionRequest,
    limits: ExecutionLimits,
    private readonly onOutput: OutputSink,
  ) {
    const maxOutputBytes = Math.min(limits.maxOutputBytes ?? DEFAULT_MAX_OUTPUT_BYTES, MAX_OUTPUT_BYTES);
    const timeoutMs = Math.min(limits.timeoutMs, MAX_TIMEOUT_MS);
    this.#output = { stdout: new OutputText(maxOutputBytes), stderr: new OutputText(maxOutputBytes) };
    this.#deadline = this.#destroyAfter(timeoutMs + HOST_GRACE_MS);
    const { background, key } = limits;
    this.#id = connection.request({ key, ...request, timeoutMs, maxOutputBytes, background }, this);
  }

  get result(): Promise<ExecutionResult> {
    return this.#settled.promise;
  }

  interrupt(): void {
    if (this.#deadline === undefined) return;
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
    else if (answer.type === 'refused' && this.request.op === 'resume') this.#finish(LOST);
    else if (answer.type === 'refused') this.#finish(refusedFields(answer));
    else this.connection.close('the sandbox answered a call as if it were a file request');
  }

  lost(): void {
    this.#finish(LOST);
  }

  #finish(fields: ResultFields): void {
    clearTimeout(this.#deadline);
    this.#deadline = undefined;
    const { stdout, stderr } = this.#output;
    this.#emit('stdout', stdout.end());
    this.#emit('stderr', stderr.end());
    const result = {
      durationMs: performance.now() - this.#started,
      ...fields,
      stdout: stdout.text,
      stderr: stderr.text,
      images: this.#pictures.image.kept,
      videoFrames: this.#pictures.videoFrame.kept,
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
    if (PICTURE_TYPES.has(mimeType)) this.#pictures[kind].add(mimeType, body.subarray(typeEnd));
  }

  #destroyAfter(milliseconds: number): NodeJS.Timeout {
    return setTimeout(() => this.connection.close('it did not stop when asked to'), milliseconds);
  }
}

type ResultFields = Omit<ExecutionResult, 'stdout' | 'stderr' | 'images' | 'videoFrames' | 'durationMs'> & {
  readonly durationMs?: number;
};

const LOST = {
  outcome: 'sandbox_lost',
  stateKept: false,
  droppedBytes: 0,
  overflows: [],
  closedStreams: [],
  videoFrameCount: 0,
  oomKills: 0,
  background: [],
  changes: [],
} as const satisfies ResultFields;

const NOT_STARTED: ExecutionResult = {
  ...LOST,
  outcome: 'interrupted',
  stateKept: true,
  stdout: '',
  stderr: '',
  images: [],
  videoFrames: [],
  durationMs: 0,
};

/** The kernel could not start the call, such as a shell when no process is left to be had. */
function refusedFields(refusal: KernelRefusal): ResultFields {
  return { ...LOST, outcome: 'failed', stateKept: true, exception: refusal.message };
}

function fieldsOf({
  type: _type,
  id: _id,
  frames,
  closed,
  overflows,
  ...result
}: KernelResult): ResultFields {
  const { value, exception, exitCode, cpuMs, peakMemoryBytes, imagesNotKept = 0, ...always } = result;
  return {
    ...always,
    overflows: overflows.map(({ file, problem, ...found }) => ({
      ...found,
      ...(file === undefined ? {} : { file }),
      ...(problem === undefined ? {} : { problem }),
    })),
    droppedBytes: overflows.reduce((sum, { droppedBytes }) => sum + droppedBytes, 0),
    closedStreams: closed,
    videoFrameCount: frames,
    ...(value === undefined ? {} : { value }),
    ...(exception === undefined ? {} : { exception }),
    ...(exitCode === undefined ? {} : { exitCode }),
    ...(cpuMs === undefined ? {} : { cpuMs }),
    ...(peakMemoryBytes === undefined ? {} : { peakMemoryBytes }),
    ...(imagesNotKept === 0 ? {} : { imagesNotKept }),
  };
}

/** A frame over the kernel's cap would end the sandbox; this ends the call. */
function checkSize(request: ExecutionRequest): void {
  if (request.op === 'resume') return;
  const texts = request.op === 'exec' ? [request.code] : request.commands;
  const characters = texts.reduce((sum, text) => sum + text.length, 0);
  if (characters * MAX_JSON_BYTES_PER_CHARACTER < MAX_REQUEST_BYTES) return;
  if (Buffer.byteLength(JSON.stringify(request)) < MAX_REQUEST_BYTES) return;
  throw new DomainError('too_large', 'The code of a call cannot be longer than 7 MiB; put it into a file.');
}

/** Runs one call to its end; `onStart` gets the way to interrupt it. Rejects with what the sink threw, or when it is too long. */
export async function runExecution(
  connection: KernelConnection,
  request: ExecutionRequest,
  limits: ExecutionLimits,
  onOutput: OutputSink,
  signal: AbortSignal,
  onStart: (interrupt: () => void) => void,
): Promise<ExecutionResult> {
  checkSize(request);
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
