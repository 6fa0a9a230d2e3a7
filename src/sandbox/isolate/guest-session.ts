import ivm from 'isolated-vm';
import { formatterSource, guestSource, type GuestHooks } from './guest-runtime.js';
import { InspectorClient, type Evaluation, type RemoteObject } from './inspector-client.js';
import { GuestOutput } from './guest-output.js';
import {
  bodyOf,
  decodeReply,
  operationOf,
  refusalOf,
  replyFormOf,
  type ReplyForm,
} from './guest-operation.js';
import type { GuestLimits, GuestOperation } from './isolate-frame.js';
import { isTimeLimit } from './time-limit.js';
import { UncaughtErrors } from './uncaught-errors.js';

/** Of the memory limit. Up to here nothing is collected; what is above it after that leaves no room for a next call. */
const FULL_SHARE = 0.8;

/** How the session reaches the host process. */
export interface GuestPort {
  output(call: number, stream: 'stdout' | 'stderr', text: string): void;
  /** Returns why that cannot be asked. */
  request(
    call: number,
    request: number,
    operation: GuestOperation,
    body: Uint8Array | undefined,
  ): string | undefined;
}

export interface GuestResult {
  readonly outcome: 'completed' | 'failed' | 'interrupted' | 'out_of_memory';
  readonly value?: string;
  readonly error?: string;
  readonly outputTruncated: boolean;
  readonly heapFull: boolean;
}

type Described = Omit<GuestResult, 'outputTruncated' | 'heapFull'>;

/** What a call runs, and with what. */
export interface GuestProgram {
  readonly code: string;
  readonly tools: readonly string[];
  readonly limits: GuestLimits;
}

/** One call. It is over when its value is known and no job, timer or request is left, or when it was stopped. */
interface Call {
  readonly id: number;
  readonly limits: GuestLimits;
  readonly output: GuestOutput;
  readonly timers: Map<number, NodeJS.Timeout>;
  readonly requests: Map<number, ReplyForm>;
  readonly uncaught: UncaughtErrors;
  jobs: number;
  evaluated: boolean;
  /** Undefined, once evaluated, when the code was stopped. */
  evaluation: Evaluation | undefined;
  stopped: 'interrupted' | 'out_of_memory' | undefined;
  check(): void;
}

type HookReferences = { readonly [Name in keyof GuestHooks]: ivm.Reference<GuestHooks[Name]> };

/** The isolate of one session: its globals live from call to call. Calls are serial. */
export class GuestSession {
  private readonly port: GuestPort;
  private readonly fullBytes: number;
  private readonly isolate: ivm.Isolate;
  private readonly inspector: InspectorClient;
  private call: Call | undefined;

  private constructor(port: GuestPort, memoryLimitMb: number) {
    this.port = port;
    this.fullBytes = memoryLimitMb * 1024 * 1024 * FULL_SHARE;
    this.isolate = new ivm.Isolate({
      memoryLimit: memoryLimitMb,
      inspector: true,
      // isolated-vm's own advice: the heap is broken beyond this point.
      onCatastrophicError: () => process.abort(),
    });
    this.inspector = new InspectorClient(this.isolate);
  }

  static async start(port: GuestPort, memoryLimitMb: number): Promise<GuestSession> {
    const session = new GuestSession(port, memoryLimitMb);
    await session.prepare();
    return session;
  }

  private context: ivm.Context | undefined;
  private hooks: HookReferences | undefined;
  private formatterId = '';

  private async prepare(): Promise<void> {
    const context = await this.isolate.createContext({ inspector: true });
    const callbacks = [
      (stream: unknown, text: unknown) => this.print(stream, text),
      (id: unknown, delayMs: unknown) => this.schedule(id, delayMs),
      (id: unknown) => this.cancel(id),
      (...values: unknown[]) => this.request(values),
    ];
    const hooks = context.evalClosureSync(guestSource, callbacks, { result: { reference: true } });
    const hook = (name: keyof GuestHooks) => hooks.getSync(name, { reference: true });
    this.hooks = { begin: hook('begin'), fire: hook('fire'), settle: hook('settle') };
    this.context = context;
    await this.inspector.attach();
    const formatter = await this.inspector.evaluate(formatterSource, 'plain');
    this.formatterId = formatter?.result?.objectId ?? '';
  }

  async run(id: number, { code, tools, limits }: GuestProgram): Promise<GuestResult> {
    const over = Promise.withResolvers<void>();
    const call: Call = {
      id,
      limits,
      output: new GuestOutput(limits.maxOutputBytes, (stream, text) => this.port.output(id, stream, text)),
      timers: new Map(),
      requests: new Map(),
      uncaught: new UncaughtErrors(),
      jobs: 0,
      evaluated: false,
      evaluation: undefined,
      stopped: undefined,
      check: () => {
        const quiet = call.jobs === 0 && call.timers.size === 0 && call.requests.size === 0;
        if (call.stopped === 'out_of_memory' || (quiet && (call.evaluated || call.stopped))) over.resolve();
      },
    };
    this.call = call;
    void this.evaluate(call, code, tools);
    await over.promise;
    const described = call.stopped ? undefined : await this.describe(call);
    if (call.stopped === 'interrupted') await this.absorbTermination();
    const result = call.stopped ? { outcome: call.stopped } : (described ?? { outcome: 'interrupted' });
    for (const text of call.uncaught.except(described?.error)) call.output.write('stderr', text);
    call.output.flush();
    this.call = undefined;
    this.inspector.releaseValues();
    return { ...result, outputTruncated: call.output.truncated, heapFull: await this.isHeapFull() };
  }

  /** V8 only looks at its limit when it collects, so a call may end well and leave the next one nothing. */
  private async isHeapFull(): Promise<boolean> {
    if (this.isolate.isDisposed) return true;
    if (this.heldBytes() <= this.fullBytes) return false;
    await this.inspector.collectGarbage();
    return this.isolate.isDisposed || this.heldBytes() > this.fullBytes;
  }

  private heldBytes(): number {
    const { used_heap_size, externally_allocated_size } = this.isolate.getHeapStatisticsSync();
    return used_heap_size + externally_allocated_size;
  }

  /** Stops the call: running code is terminated, what it waits for is forgotten. */
  interrupt(id: number): void {
    const call = this.call;
    if (call?.id === id) this.stop(call, 'interrupted');
  }

  /** The host's answer to a request of the running call; a late one is ignored. */
  reply(id: number, request: number, error: string | undefined, body: Buffer): void {
    const call = this.call;
    const form = call?.requests.get(request);
    if (!call || call.id !== id || !form || !this.hooks) return;
    call.requests.delete(request);
    const value = error === undefined ? decodeReply(form, body) : undefined;
    const copied = { arguments: { copy: true }, timeout: call.limits.timeoutMs } as const;
    void this.job(call, this.hooks.settle.apply(undefined, [request, error, value], copied));
  }

  private async evaluate(call: Call, code: string, tools: readonly string[]): Promise<void> {
    const copied = { arguments: { copy: true }, timeout: call.limits.timeoutMs } as const;
    // Awaited: the inspector would overtake it.
    await this.job(call, this.hooks?.begin.apply(undefined, [tools], copied));
    const first = this.inspector.evaluate(code, 'repl');
    this.drain(call);
    call.evaluation = await first;
    const value = call.evaluation?.result;
    if (!call.evaluation?.exceptionDetails && value?.subtype === 'promise' && value.objectId) {
      const awaited = this.inspector.awaitPromise(value.objectId);
      this.drain(call);
      call.evaluation = await awaited;
    }
    call.evaluated = true;
    call.check();
  }

  /** The inspector leaves promise jobs queued; any other entry into the isolate runs them, under a timeout. */
  private drain(call: Call): void {
    void this.job(call, this.context?.eval('0', { timeout: call.limits.timeoutMs }));
  }

  private job(call: Call, entry: Promise<unknown> | undefined): Promise<void> {
    call.jobs += 1;
    const began = performance.now();
    const settled = (): void => {
      call.jobs -= 1;
      if (this.isolate.isDisposed) this.stop(call, 'out_of_memory');
      call.check();
    };
    return Promise.resolve(entry).then(settled, (error: unknown) => {
      const lastedMs = performance.now() - began;
      if (isTimeLimit(error, lastedMs, call.limits.timeoutMs)) this.stop(call, 'interrupted');
      else if (!this.isolate.isDisposed) call.uncaught.add(error);
      settled();
    });
  }

  private stop(call: Call, reason: 'interrupted' | 'out_of_memory'): void {
    call.stopped = reason;
    for (const timer of call.timers.values()) clearTimeout(timer);
    call.timers.clear();
    call.requests.clear();
    if (call.jobs > 0 && !this.isolate.isDisposed) this.inspector.terminate();
    call.check();
  }

  /** A request to terminate that came just after the code had ended would hit the next call: let it hit this. */
  private async absorbTermination(): Promise<void> {
    let clean = 0;
    for (let attempt = 0; clean < 2 && attempt < 10; attempt += 1) {
      const answer = await this.context
        ?.eval('Promise.resolve(0)', { promise: true, timeout: 100 })
        .catch(() => undefined);
      clean = answer === 0 ? clean + 1 : 0;
    }
    if (clean < 2) process.kill(process.pid, 'SIGKILL');
  }

  private async describe(call: Call): Promise<Described> {
    call.jobs += 1;
    const described = await this.describeEvaluation(call);
    call.jobs -= 1;
    return described;
  }

  private async describeEvaluation({ evaluation, limits }: Call): Promise<Described> {
    if (!evaluation) return { outcome: 'interrupted' };
    const { result, exceptionDetails: thrown } = evaluation;
    if (thrown) {
      const shown = thrown.exception && (await this.show(thrown.exception, limits.maxValueChars));
      return { outcome: 'failed', error: shown ?? thrown.text };
    }
    if (!result || result.type === 'undefined') return { outcome: 'completed' };
    const value = await this.show(result, limits.maxValueChars);
    return value === undefined ? { outcome: 'interrupted' } : { outcome: 'completed', value };
  }

  /** Undefined when a hostile value (a proxy) had to be stopped. */
  private async show(value: RemoteObject, maxChars: number): Promise<string | undefined> {
    if (!value.objectId) {
      const text = typeof value.value === 'string' ? value.value : String(value.description ?? value.value);
      return text.length > maxChars ? `${text.slice(0, maxChars)}…` : text;
    }
    const formatted = await this.inspector.call(this.formatterId, value.objectId, maxChars);
    if (!formatted) return undefined;
    const text = formatted.result?.value;
    return typeof text === 'string' ? text.slice(0, maxChars + 1) : '(a value that cannot be shown)';
  }

  private print(stream: unknown, text: unknown): boolean {
    if ((stream !== 'stdout' && stream !== 'stderr') || typeof text !== 'string') return false;
    return this.call?.output.write(stream, text) ?? false;
  }

  private schedule(id: unknown, delayMs: unknown): void {
    const call = this.call;
    if (!call || call.stopped || typeof id !== 'number' || typeof delayMs !== 'number') return;
    const fire = (): void => {
      call.timers.delete(id);
      void this.job(call, this.hooks?.fire.apply(undefined, [id], { timeout: call.limits.timeoutMs }));
    };
    call.timers.set(id, setTimeout(fire, delayMs));
  }

  private cancel(id: unknown): void {
    if (typeof id !== 'number') return;
    clearTimeout(this.call?.timers.get(id));
    this.call?.timers.delete(id);
  }

  /** Returns why the guest may not ask that. */
  private request([id, name, target, data, asBytes]: readonly unknown[]): string | undefined {
    const call = this.call;
    if (!call || call.stopped || typeof id !== 'number' || typeof target !== 'string') return undefined;
    const operation = operationOf(name, target);
    if (!operation) return undefined;
    const body = bodyOf(data);
    call.output.flush();
    const refusal = refusalOf(body) ?? this.port.request(call.id, id, operation, body);
    if (refusal === undefined) call.requests.set(id, replyFormOf(operation, asBytes));
    return refusal;
  }
}
