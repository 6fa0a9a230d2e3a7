import type { Engine, EngineEvent, GenerateRequest, Usage } from './engine.js';

/** What one generation was like. Durations in seconds. */
export interface GenerationReport {
  /** As the engine names it, never as a client did. */
  readonly model: string;
  /** How it ended: a stop reason, or the code of an error. */
  readonly end: string;
  readonly usage: Usage | undefined;
  /** In line for one of the model's places. */
  readonly waited: number;
  /** Until the first piece of the turn, the wait included; undefined: none came. */
  readonly firstToken: number | undefined;
}

export interface GenerationMeter {
  /** `waiting`: how many more stand in line; `active`: how many more are under way, those in line included. */
  changed(model: string, by: { readonly active?: 1 | -1; readonly waiting?: 1 | -1 }): void;
  ended(report: GenerationReport): void;
}

/** The same engine, with each generation told to the meter. */
export function meteredEngine(engine: Engine, meter: GenerationMeter): Engine {
  return {
    generate: (request, signal) => metered(engine, request, signal, meter),
    embed: (request, signal) => engine.embed(request, signal),
    rank: (request, signal) => engine.rank(request, signal),
    count: (request) => engine.count(request),
    capabilities: (model) => engine.capabilities(model),
    status: () => engine.status(),
    forget: (sessionId) => engine.forget?.(sessionId),
    close: () => engine.close(),
  };
}

async function* metered(
  engine: Engine,
  request: GenerateRequest,
  signal: AbortSignal,
  meter: GenerationMeter,
): AsyncGenerator<EngineEvent, void, void> {
  const { model } = engine.status();
  const watch = new GenerationWatch(model, meter);
  try {
    for await (const event of engine.generate(request, signal)) {
      watch.see(event);
      yield event;
    }
  } finally {
    watch.close();
  }
}

class GenerationWatch {
  private readonly startedAt = performance.now();
  private waitingSince: number | undefined;
  private waited = 0;
  private firstToken: number | undefined;
  private usage: Usage | undefined;
  /** Whoever reads may leave before the end. */
  private end = 'cancelled';

  constructor(
    private readonly model: string,
    private readonly meter: GenerationMeter,
  ) {
    meter.changed(model, { active: 1 });
  }

  see(event: EngineEvent): void {
    if (event.type === 'queued') {
      this.wait();
      return;
    }
    this.stopWaiting();
    if (event.type === 'usage') this.usage = event.usage;
    else if (event.type === 'stop') this.end = event.reason;
    else if (event.type === 'error') this.end = event.error.code;
    else this.firstToken ??= secondsSince(this.startedAt);
  }

  close(): void {
    this.stopWaiting();
    const { model, meter, end, usage, waited, firstToken } = this;
    meter.changed(model, { active: -1 });
    meter.ended({ model, end, usage, waited, firstToken });
  }

  private wait(): void {
    if (this.waitingSince !== undefined) return;
    this.waitingSince = performance.now();
    this.meter.changed(this.model, { waiting: 1 });
  }

  private stopWaiting(): void {
    if (this.waitingSince === undefined) return;
    this.waited += secondsSince(this.waitingSince);
    this.waitingSince = undefined;
    this.meter.changed(this.model, { waiting: -1 });
  }
}

function secondsSince(then: number): number {
  return (performance.now() - then) / 1000;
}
