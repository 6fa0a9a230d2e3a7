import { WorkClock } from '../../work-clock.js';
import type { SandboxOutput } from '../sandbox.js';
import type { GuestFiles, IsolateCall } from './isolate-result.js';

/** A call with small limits and an in-memory working directory, for tests of whatever runs calls. */
export function scriptedCall(code: string, overrides: Partial<IsolateCall> = {}): IsolateCall {
  return {
    code,
    timeoutMs: 5000,
    clock: new WorkClock(),
    maxOutputBytes: 65_536,
    maxValueChars: 10_000,
    files: scriptedFiles(new Map()),
    tools: {
      names: [],
      call: async (name) => ({ status: 'failed', content: '', message: `no tool ${name}` }),
    },
    onOutput: (_output: SandboxOutput) => undefined,
    signal: new AbortController().signal,
    ...overrides,
  };
}

export function scriptedFiles(files: Map<string, Uint8Array>): GuestFiles {
  return {
    async read(path) {
      const data = files.get(path);
      if (!data) throw new Error(`no file ${path}`);
      return data;
    },
    async write(path, data) {
      files.set(path, data);
    },
    list: async () => [...files].map(([path, data]) => ({ path, bytes: data.byteLength })),
  };
}
