import { readdirSync, readFileSync } from 'node:fs';
import type { Engine, EngineEvent, GenerateRequest } from '../../src/engine/engine.js';

/** How a host is hit. A stopped process is what a wedged one looks like: it is there and does not answer. */
export const SIGNALS = ['SIGKILL', 'SIGSTOP', 'SIGTERM'] as const;
export type Signal = (typeof SIGNALS)[number];

/** When a generation's host is hit: at its request, while its prompt is read, or at what it sends. */
export const MOMENTS = [
  'request',
  'prefill',
  'first token',
  'thoughts',
  'text',
  'call begun',
  'call arguments',
] as const;
export type Moment = (typeof MOMENTS)[number];

/** Twelve of them: longer than the host is busy with itself while it starts, on a slow machine too. */
export const PING_EVERY_MS = 500;

const THIRD = 3;

/** An engine whose host is hit by `strike` when the armed moment comes, once. */
export function struckEngine(engine: Engine, strike: () => void) {
  let armed: Moment | undefined;
  const strikeOnce = (): void => {
    armed = undefined;
    strike();
  };
  async function* generate(request: GenerateRequest, signal: AbortSignal): AsyncGenerator<EngineEvent> {
    if (armed === 'request') strikeOnce();
    // Answered in the middle of what the host does for the generation, which was asked for before.
    if (armed === 'prefill') setImmediate(() => void engine.count(request).then(strikeOnce, strikeOnce));
    const seen = new Map<EngineEvent['type'], number>();
    for await (const event of engine.generate(request, signal)) {
      seen.set(event.type, (seen.get(event.type) ?? 0) + 1);
      if (armed !== undefined && hasCome(armed, event, seen)) strikeOnce();
      yield event;
    }
  }
  return {
    engine: { ...delegated(engine), generate } satisfies Engine,
    arm: (moment: Moment) => {
      armed = moment;
    },
    /** Whether the moment has come. */
    hasStruck: () => armed === undefined,
  };
}

function delegated(engine: Engine): Engine {
  return {
    generate: (...asked) => engine.generate(...asked),
    embed: (...asked) => engine.embed(...asked),
    rank: (...asked) => engine.rank(...asked),
    count: (...asked) => engine.count(...asked),
    capabilities: (...asked) => engine.capabilities(...asked),
    status: () => engine.status(),
    close: () => engine.close(),
  };
}

function hasCome(
  moment: Moment,
  { type }: EngineEvent,
  seen: ReadonlyMap<EngineEvent['type'], number>,
): boolean {
  switch (moment) {
    case 'first token':
      return type === 'text_delta' || type === 'reasoning_delta';
    case 'thoughts':
      return seen.get('reasoning_delta') === THIRD;
    case 'text':
      return seen.get('text_delta') === THIRD;
    case 'call begun':
      return type === 'tool_call_start';
    case 'call arguments':
      return seen.get('tool_call_delta') === THIRD;
    case 'request':
    case 'prefill':
      return false;
    default:
      return moment satisfies never;
  }
}

/** The process ids of model hosts that this process has started and that are still there, stopped ones too. */
export function liveHosts(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => isHostOfOurs(pid));
}

function isHostOfOurs(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
    return Number(parent) === process.pid && state !== 'Z' && command.includes('llama/host/host');
  } catch {
    return false;
  }
}
