import type { StopReason } from '../events/event.js';

export type RunKind = 'chat' | 'tool';

/**
 * A run's life. `waiting_*` holds no worker, engine slot or lease; the answer puts it back in the queue.
 */
export type RunState =
  'queued' | 'running' | 'waiting_approval' | 'waiting_client' | 'completed' | 'failed' | 'cancelled';

export type RunTransition =
  | { readonly type: 'claim' }
  | { readonly type: 'wait_for_approval' }
  | { readonly type: 'wait_for_client' }
  | { readonly type: 'requeue' }
  | { readonly type: 'complete'; readonly stopReason: StopReason }
  | { readonly type: 'fail' }
  | { readonly type: 'cancel' };

export class IllegalTransition extends Error {
  constructor(what: string, from: string, transition: string) {
    super(`A ${what} that is ${from} cannot ${transition}.`);
    this.name = 'IllegalTransition';
  }
}

/** The states each transition may leave, and the one it enters. SQL guards use the same table. */
export const RUN_TRANSITIONS = {
  /** `running` too: the worker that had it is dead. */
  claim: { from: ['queued', 'running'], to: 'running' },
  wait_for_approval: { from: ['running'], to: 'waiting_approval' },
  wait_for_client: { from: ['running'], to: 'waiting_client' },
  requeue: { from: ['waiting_approval', 'waiting_client', 'running'], to: 'queued' },
  complete: { from: ['running'], to: 'completed' },
  fail: { from: ['queued', 'running', 'waiting_approval', 'waiting_client'], to: 'failed' },
  cancel: { from: ['queued', 'running', 'waiting_approval', 'waiting_client'], to: 'cancelled' },
} as const satisfies Record<RunTransition['type'], { from: readonly RunState[]; to: RunState }>;

/** The state after; throws IllegalTransition. */
export function transitionRun(state: RunState, transition: RunTransition): RunState {
  const { from, to } = RUN_TRANSITIONS[transition.type];
  if (!(from as readonly RunState[]).includes(state)) {
    throw new IllegalTransition('run', state, transition.type);
  }
  return to;
}

export const OPEN_RUN_STATES = ['queued', 'running', 'waiting_approval', 'waiting_client'] as const;
export function isRunOpen(state: RunState): boolean {
  return (OPEN_RUN_STATES as readonly RunState[]).includes(state);
}
