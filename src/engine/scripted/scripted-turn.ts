import type { EngineError } from '../engine-error.js';
import type { EngineStopReason, Usage } from '../engine.js';

/** One thing that a scripted turn does. Texts are streamed in the pieces given. */
export type ScriptedStep =
  | { readonly type: 'queued'; readonly position: number }
  | { readonly type: 'text'; readonly pieces: readonly string[] }
  | { readonly type: 'reasoning'; readonly pieces: readonly string[] }
  | {
      readonly type: 'call';
      readonly name: string;
      readonly arguments: string;
      /** Default: `call_scripted_<n>`, n counting the calls of the engine from 1. */
      readonly id?: string;
    }
  /** A call whose arguments break off: the step after it should be `fail` or a wait that is aborted. */
  | { readonly type: 'broken_call'; readonly name: string; readonly arguments: string; readonly id?: string }
  /** Nothing goes on before the promise settles; an abort ends the turn while it waits. */
  | { readonly type: 'wait'; readonly until: Promise<unknown> }
  | { readonly type: 'fail'; readonly error: EngineError };

export interface ScriptedTurn {
  readonly steps: readonly ScriptedStep[];
  /** Default: `tool_calls` if the turn made a call, else `stop`. */
  readonly stop?: EngineStopReason;
  /** Default: a token for each piece and call, told only of a turn that comes to its end. */
  readonly usage?: Usage;
}

/** A turn that says one text in one piece. */
export function says(text: string): ScriptedTurn {
  return { steps: [{ type: 'text', pieces: [text] }] };
}

/** A turn that makes the calls, in order. */
export function calls(
  ...made: readonly { readonly name: string; readonly arguments: unknown }[]
): ScriptedTurn {
  return {
    steps: made.map((call) => ({
      type: 'call',
      name: call.name,
      arguments: JSON.stringify(call.arguments),
    })),
  };
}
