import { setTimeout as delay } from 'node:timers/promises';

/** Kinds of open handles that keep a process alive and belong to whoever opened them. */
const watched = new Set([
  'ProcessWrap',
  'TCPServerWrap',
  'TCPSocketWrap',
  'PipeWrap',
  'Timeout',
  'FSEventWrap',
  'MessagePort',
]);

export interface LeakCheck {
  /** Throws, with the kinds and numbers, when more is open than at the start and stays so for two seconds. */
  verify(): Promise<void>;
}

/**
 * Counts what this process has open now (sockets, servers, children, pipes, timers). For a test file: start it in
 * the first `beforeAll`, verify it in the last `afterAll`.
 */
export function startLeakCheck(): LeakCheck {
  const before = countOpen();
  return {
    verify: async () => {
      const deadline = Date.now() + 2000;
      for (;;) {
        const grown = differences(before, countOpen());
        if (grown.length === 0) return;
        if (Date.now() > deadline) throw new Error(`left open: ${grown.join(', ')}`);
        await delay(20);
      }
    },
  };
}

function countOpen(): Map<string, number> {
  const counts = new Map<string, number>();
  for (const kind of process.getActiveResourcesInfo()) {
    if (watched.has(kind)) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  return counts;
}

function differences(before: Map<string, number>, after: Map<string, number>): string[] {
  return [...after]
    .map(([kind, count]) => ({ kind, more: count - (before.get(kind) ?? 0) }))
    .filter(({ more }) => more > 0)
    .map(({ kind, more }) => `${more} ${kind}`);
}
