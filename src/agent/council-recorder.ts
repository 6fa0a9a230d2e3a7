import type { CouncilEvent } from '../engine/council-event.js';
import type { EngineError } from '../engine/engine-error.js';
import type { PayloadOf } from '../events/event.js';
import type { InferenceNotice, RunJournal } from './ports.js';
import { TurnRecorder } from './turn-recorder.js';

/** Writes down what a council tells in one attempt of a round: each expert's turn has offsets of its own. */
export class CouncilRecorder {
  private readonly experts = new Map<number, TurnRecorder>();

  constructor(
    private readonly round: number,
    private readonly attempt: number,
  ) {}

  async record(journal: Pick<RunJournal, 'write' | 'tell'>, event: CouncilEvent): Promise<void> {
    if (event.type !== 'expert_delta') return journal.tell(this.payloadOf(event));
    const chunk = this.expert(event.expert).add(event.delta);
    const delta = chunk?.choices[0]?.delta;
    if (!chunk || !delta) return undefined;
    const { round, attempt, offset } = chunk;
    return journal.write({ type: 'expert_chunk', round, attempt, expert: event.expert, offset, delta });
  }

  private expert(place: number): TurnRecorder {
    const known = this.experts.get(place) ?? new TurnRecorder(this.round, this.attempt, undefined);
    this.experts.set(place, known);
    return known;
  }

  private payloadOf(event: Exclude<CouncilEvent, { type: 'expert_delta' }>): InferenceNotice {
    const { round, attempt } = this;
    switch (event.type) {
      case 'council_started': {
        const { type, strategy, experts, judge = null } = event;
        return { type, round, attempt, strategy, experts: [...experts], judge };
      }
      case 'expert_done': {
        const { type, expert, reason = null, error, usage = null } = event;
        return { type, round, attempt, expert, finish_reason: reason, error: toFailure(error), usage };
      }
      case 'council_decided': {
        const { type, by, chosen = null, votes = null, judgeError } = event;
        return { type, round, attempt, by, chosen, votes, judge_error: toFailure(judgeError) };
      }
      default:
        return event satisfies never;
    }
  }
}

function toFailure(error: EngineError | undefined): PayloadOf<'expert_done'>['error'] {
  return error === undefined ? null : { code: error.code, message: error.message };
}
