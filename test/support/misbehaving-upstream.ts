import { BROKEN_ANSWERS } from './upstream-misbehaviours/broken-answers.js';
import type { Misbehaviour } from './upstream-misbehaviours/misbehaviour.js';
import { ODD_CALLS } from './upstream-misbehaviours/odd-calls.js';
import { ODD_STREAMS } from './upstream-misbehaviours/odd-streams.js';
import { REFUSALS } from './upstream-misbehaviours/refusals.js';

/** Everything that a server did to us once or could do, and how it has to end. */
export const MISBEHAVIOURS: Readonly<Record<string, Misbehaviour>> = {
  ...ODD_STREAMS,
  ...ODD_CALLS,
  ...BROKEN_ANSWERS,
  ...REFUSALS,
};
