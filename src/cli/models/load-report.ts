import type { LoadProgress } from '../../client/models-api.js';
import { plainLine } from '../terminal-text.js';
import { sizeText } from './sizes.js';

/** How the way of a model into memory is told to whoever waits for it. */
export interface LoadReport {
  readonly show: (progress: LoadProgress) => void;
  /** Leaves the terminal on a line of its own. */
  readonly end: () => void;
}

type Write = (text: string) => void;

const BAR_CELLS = 24;
const CLEAR_LINE = '\r\u001B[K';

/** A bar that is drawn again and again, a line for each phase. */
export function barLoadReport(write: Write): LoadReport {
  let phase: string | undefined;
  return {
    show: (progress) => {
      if (progress.phase === null || progress.phase === 'ready') return;
      if (phase !== undefined && phase !== progress.phase) write('\n');
      phase = progress.phase;
      const filled = Math.round(progress.fraction * BAR_CELLS);
      const bar = `${'#'.repeat(filled)}${'.'.repeat(BAR_CELLS - filled)}`;
      write(`${CLEAR_LINE}${line(progress)} ${bar}${amounts(progress)}`);
    },
    end: () => {
      if (phase !== undefined) write('\n');
      phase = undefined;
    },
  };
}

/** A line for each phase, and within one for each tenth. */
export function lineLoadReport(write: Write): LoadReport {
  let told = '';
  return {
    show: (progress) => {
      if (progress.phase === null || progress.phase === 'ready') return;
      const step = `${progress.phase} ${Math.floor(progress.fraction * 10)}`;
      if (step === told) return;
      told = step;
      write(`${line(progress)}${amounts(progress)}\n`);
    },
    end: () => undefined,
  };
}

function line({ phase, fraction }: LoadProgress): string {
  return `${plainLine(phase ?? '').padEnd(8)} ${String(Math.floor(fraction * 100)).padStart(3)} %`;
}

function amounts({ bytes_loaded: done, bytes_total: total }: LoadProgress): string {
  return total === 0 ? '' : `  ${sizeText(done)} of ${sizeText(total)}`;
}
