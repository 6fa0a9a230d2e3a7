export type RunKind = 'chat' | 'tool';

/**
 * A run's life. `waiting_*` holds no worker, engine slot or lease; the answer puts it back in the queue.
 */
export type RunState =
  'queued' | 'running' | 'waiting_approval' | 'waiting_client' | 'completed' | 'failed' | 'cancelled';

export type RunTransition = keyof typeof RUN_TRANSITIONS;

export class IllegalTransition extends Error {
  constructor(what: string, which: string, transition: string) {
    super(`The ${what} ${which} cannot ${transition} now.`);
    this.name = 'IllegalTransition';
  }
}

/** The states each transition may leave, and the one it enters; `moveRun` is the only one who reads it. */
export const RUN_TRANSITIONS = {
  /** `running` too: the worker that had it is dead. */
  claim: { from: ['queued', 'running'], to: 'running' },
  wait_for_approval: { from: ['running'], to: 'waiting_approval' },
  wait_for_client: { from: ['running'], to: 'waiting_client' },
  requeue: { from: ['waiting_approval', 'waiting_client', 'running'], to: 'queued' },
  complete: { from: ['running'], to: 'completed' },
  fail: { from: ['queued', 'running', 'waiting_approval', 'waiting_client'], to: 'failed' },
  cancel: { from: ['queued', 'running', 'waiting_approval', 'waiting_client'], to: 'cancelled' },
} as const satisfies Record<string, { from: readonly RunState[]; to: RunState }>;

export const OPEN_RUN_STATES = ['queued', 'running', 'waiting_approval', 'waiting_client'] as const;
export function isRunOpen(state: RunState): boolean {
  return (OPEN_RUN_STATES as readonly RunState[]).includes(state);
}
