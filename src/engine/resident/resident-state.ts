export interface LoadBytes {
  readonly done: number;
  readonly total: number;
}

/** Where a model that the server keeps in memory is in its life. */
export type ResidentState =
  /** `progress` is 0 to 1 within the phase. A model whose host process is started again is here once more. */
  | {
      readonly type: 'loading';
      readonly phase: string;
      readonly progress: number;
      readonly bytes?: LoadBytes;
    }
  | { readonly type: 'ready' }
  /** It takes no more requests, and those that it has come to their end. */
  | { readonly type: 'unloading' }
  | { readonly type: 'failed'; readonly message: string; readonly hint?: string }
  | { readonly type: 'gone' };

export type ResidentEvent =
  | {
      readonly type: 'progressed';
      readonly phase: string;
      readonly progress: number;
      readonly bytes?: LoadBytes;
    }
  | { readonly type: 'loaded' }
  | { readonly type: 'failed'; readonly message: string; readonly hint?: string }
  | { readonly type: 'unload' }
  | { readonly type: 'closed' };

export class IllegalResidentTransition extends Error {
  constructor(state: ResidentState['type'], event: ResidentEvent['type']) {
    super(`A model that is ${state} cannot have: ${event}.`);
    this.name = 'IllegalResidentTransition';
  }
}

type Step = (event: ResidentEvent) => ResidentState | undefined;

const asEventSays = (event: ResidentEvent): ResidentState | undefined => {
  switch (event.type) {
    case 'progressed':
      return { ...event, type: 'loading' };
    case 'loaded':
      return { type: 'ready' };
    case 'failed':
      return event;
    case 'unload':
      return { type: 'unloading' };
    case 'closed':
      return undefined;
    default:
      return event satisfies never;
  }
};

const STEPS: Readonly<Record<ResidentState['type'], Step>> = {
  loading: asEventSays,
  ready: asEventSays,
  failed: (event) => (event.type === 'unload' ? { type: 'unloading' } : undefined),
  unloading: (event) => (event.type === 'closed' ? { type: 'gone' } : undefined),
  gone: () => undefined,
};

/** Pure. Throws IllegalResidentTransition. */
export function nextResidentState(state: ResidentState, event: ResidentEvent): ResidentState {
  const next = STEPS[state.type](event);
  if (next === undefined) throw new IllegalResidentTransition(state.type, event.type);
  return next;
}
