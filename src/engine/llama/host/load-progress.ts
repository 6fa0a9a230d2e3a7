import type { FromHost } from '../protocol.js';

type Loading = Extract<FromHost, { type: 'loading' }>;

const PHASES: readonly Loading['phase'][] = ['download', 'validate', 'read', 'context'];
const SMALLEST_STEP = 0.02;

/**
 * Reports a load in steps worth showing. The native loader's callbacks may arrive after the next
 * phase began; progress never goes back.
 */
export function loadProgress(send: (message: FromHost) => void) {
  let phaseIndex = -1;
  let last = 0;
  return (phase: Loading['phase'], progress: number, bytes?: Loading['bytes']): void => {
    const index = PHASES.indexOf(phase);
    const advanced = index > phaseIndex || (index === phaseIndex && progress >= last + SMALLEST_STEP);
    if (!advanced) return;
    phaseIndex = index;
    last = progress;
    send({ type: 'loading', phase, progress, ...(bytes === undefined ? {} : { bytes }) });
  };
}

export type ReportProgress = ReturnType<typeof loadProgress>;
