import { formatSource, formatValue } from './guest-format.js';
import { type GuestWaiting, installFiles, installRequests, installTools } from './guest-requests.js';

/** The child's side of the wall; every argument and result is copied, no object of the child is ever shared. */
export interface GuestHost {
  /** False once the call's output is full: the guest then stops crossing the wall. */
  print(stream: string, text: string): boolean;
  schedule(id: number, delayMs: number): void;
  cancel(id: number): void;
  /** Gives the reason when that cannot be asked; then there is no answer. */
  request(
    id: number,
    name: string,
    /** A file's path, or a tool's name. */
    target: string,
    data: string | Uint8Array | undefined,
    asBytes: boolean,
  ): string | undefined;
}

/** The guest's side of the wall. */
export interface GuestHooks {
  /** A call begins, with these tools. */
  begin(tools: readonly string[]): void;
  fire(id: number): void;
  settle(id: number, error: string | undefined, value: unknown): void;
}

type GuestTimers = Map<number, () => void>;

/** Runs inside the isolate, sent there as source text (see guest-format.ts). */
export function installGuest(host: GuestHost): GuestHooks {
  const output = { open: true };
  const timers: GuestTimers = new Map();
  const waiting: GuestWaiting = new Map();
  installConsole(host, output);
  const fire = installTimers(host, timers);
  const { request, settle } = installRequests(host, waiting);
  installFiles(request);
  const installNames = installTools(request);
  const begin = (tools: readonly string[]): void => {
    output.open = true;
    installNames(tools);
    // Left by a call that was stopped; the child has forgotten them.
    timers.clear();
    waiting.clear();
  };
  for (const name of ['WebAssembly', 'SharedArrayBuffer', 'Atomics'])
    Reflect.deleteProperty(globalThis, name);
  return { begin, fire, settle };
}

export function installConsole(host: GuestHost, output: { open: boolean }): void {
  // Printing never throws: a value whose own code fails is not shown.
  const shown = (value: unknown): string => {
    try {
      return formatValue(value, 65_536);
    } catch {
      return '(a value that cannot be shown)';
    }
  };
  const printer =
    (stream: string) =>
    (...values: unknown[]): void => {
      if (!output.open) return;
      const parts: string[] = [];
      for (let index = 0; index < values.length; index += 1) parts[index] = shown(values[index]);
      output.open = host.print(stream, parts.join(' ') + '\n');
    };
  const guestConsole: Record<string, unknown> = {};
  for (const name of ['log', 'info', 'debug', 'dir', 'table']) guestConsole[name] = printer('stdout');
  for (const name of ['warn', 'error']) guestConsole[name] = printer('stderr');
  Object.defineProperty(globalThis, 'console', { value: guestConsole, writable: true, configurable: true });
}

export function installTimers(host: GuestHost, timers: GuestTimers): (id: number) => void {
  let last = 0;
  Object.assign(globalThis, {
    setTimeout: (callback: unknown, delayMs: unknown, ...values: unknown[]): number => {
      if (typeof callback !== 'function') throw new TypeError('setTimeout takes a function');
      if (timers.size >= 1000) throw new RangeError('Too many timers are waiting (1000)');
      const id = (last += 1);
      timers.set(id, () => void callback(...values));
      host.schedule(id, Math.min(Math.max(Number(delayMs) || 0, 0), 2_147_483_647));
      return id;
    },
    clearTimeout: (id: unknown): void => {
      if (typeof id === 'number' && timers.delete(id)) host.cancel(id);
    },
  });
  return (id) => {
    const callback = timers.get(id);
    timers.delete(id);
    try {
      callback?.();
    } catch (error) {
      console.error('Uncaught in setTimeout:', error);
    }
  };
}

const parts = [installGuest, installConsole, installTimers, installRequests, installFiles, installTools]
  .map(String)
  .join('\n');

/** Body of a closure with the four host functions as $0..$3. */
export const guestSource = `'use strict';\n${formatSource}\n${parts}
return installGuest({ print: $0, schedule: $1, cancel: $2, request: $3 });`;

/** An expression: `formatValue` by itself, for showing the value of the last expression. */
export const formatterSource = `(() => { 'use strict';\n${formatSource}\nreturn formatValue; })()`;
