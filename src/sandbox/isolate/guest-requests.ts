import type { GuestHost, GuestHooks } from './guest-runtime.js';

/** Runs inside the isolate, sent there as source text (see guest-format.ts). */

export type GuestRequest = (
  name: string,
  target: unknown,
  data: unknown,
  asBytes: unknown,
) => Promise<unknown>;
export type GuestWaiting = Map<number, { resolve(value: unknown): void; reject(error: Error): void }>;

/** What the guest asks of the host, and the host's answers. */
export function installRequests(
  host: GuestHost,
  waiting: GuestWaiting,
): { request: GuestRequest; settle: GuestHooks['settle'] } {
  let last = 0;
  const request: GuestRequest = (name, target, data, asBytes) =>
    new Promise((resolve, reject) => {
      if (typeof target !== 'string' || target.length > 1024) throw new TypeError(name + ' takes a path');
      if (waiting.size >= 64)
        throw new RangeError('64 operations on files and tools are waiting: await some first');
      const bytes = data instanceof ArrayBuffer ? new Uint8Array(data) : data;
      const writable = typeof bytes === 'string' || bytes instanceof Uint8Array;
      if (name === 'writeFile' && !writable) throw new TypeError('writeFile takes a string or a Uint8Array');
      if (writable && bytes.length > 8_388_608) throw new RangeError('A file may have 8 MiB at most');
      const id = (last += 1);
      const refusal = host.request(id, name, target, writable ? bytes : undefined, asBytes === 'bytes');
      if (refusal !== undefined) throw new RangeError(refusal);
      waiting.set(id, { resolve, reject });
    });
  const settle: GuestHooks['settle'] = (id, error, value) => {
    const promise = waiting.get(id);
    waiting.delete(id);
    if (error === undefined) promise?.resolve(value);
    else promise?.reject(new Error(error));
  };
  return { request, settle };
}

export function installFiles(request: GuestRequest): void {
  Object.assign(globalThis, {
    readFile: (path: unknown, encoding: unknown) => request('readFile', path, undefined, encoding),
    writeFile: (path: unknown, data: unknown) => request('writeFile', path, data, undefined),
    listFiles: () => request('listFiles', '', undefined, undefined),
  });
}

/** `tools.name(args)`: gives what a tool that succeeded made, and throws for any other end, as fetch and fs do. */
export function installTools(request: GuestRequest): (names: readonly string[]) => void {
  class ToolError extends Error {}
  Object.defineProperty(ToolError.prototype, 'name', { value: 'ToolError', configurable: true });
  const callTool = async (tool: string, args: unknown): Promise<unknown> => {
    const given = args === undefined ? {} : args;
    const json =
      typeof given === 'object' && given !== null && !Array.isArray(given)
        ? JSON.stringify(given)
        : undefined;
    if (typeof json !== 'string')
      throw new TypeError('tools.' + tool + ' takes one object: the arguments of the tool by name');
    if (json.length > 1_048_576)
      throw new RangeError('The arguments may have 1 MiB at most: put what is large into a file');
    const result = (await request('callTool', tool, json, undefined)) as { status: string; message: string };
    if (result.status === 'succeeded') return result;
    const { message, ...fields } = result;
    throw Object.assign(new ToolError(message), fields, { tool });
  };
  return (names) => {
    const own: Record<string, unknown> = Object.create(null);
    for (const name of names) {
      const named = { [name]: (args: unknown) => callTool(name, args) };
      Object.defineProperty(own, name, { value: named[name], enumerable: true });
    }
    const get = (_own: object, key: string | symbol): unknown => {
      // Asked for by await and by JSON, not by a person.
      if (key in own || typeof key === 'symbol' || key === 'then' || key === 'toJSON')
        return own[key as string];
      // Why it may not be called is the host's to say.
      return (args: unknown) => callTool(key, args);
    };
    const value = new Proxy(Object.freeze(own), { get });
    Reflect.defineProperty(globalThis, 'tools', { value, writable: true, configurable: true });
  };
}
