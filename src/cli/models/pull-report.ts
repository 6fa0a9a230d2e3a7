import type { PullEvent } from '../../models/pull-event.js';
import { plainLine, plainText } from '../terminal-text.js';
import { durationText, sizeText } from './sizes.js';

/** How a download is told to whoever waits for it. */
export interface PullReport {
  readonly show: (event: PullEvent) => void;
  /** Leaves the terminal on a line of its own. */
  readonly end: () => void;
}

type Write = (text: string) => void;
type Progress = Extract<PullEvent, { type: 'progress' }>;

const BAR_CELLS = 24;
const REDRAW_MS = 100;
const CLEAR_LINE = '\r\u001B[K';

/** A bar that is drawn again and again. */
export function barReport(write: Write, now: () => number = () => performance.now()): PullReport {
  let drawnAt = -Infinity;
  let isDrawn = false;
  const end = (): void => {
    if (isDrawn) write('\n');
    isDrawn = false;
  };
  return {
    show: (event) => {
      if (event.type !== 'progress') {
        end();
        write(`${eventLine(event)}\n`);
        return;
      }
      const isLast = event.doneBytes === event.totalBytes;
      if (!isLast && now() - drawnAt < REDRAW_MS) return;
      drawnAt = now();
      isDrawn = true;
      write(CLEAR_LINE + barLine(event));
    },
    end,
  };
}

/** A line for each tenth. */
export function lineReport(write: Write): PullReport {
  let told = 0;
  return {
    show: (event) => {
      if (event.type !== 'progress') {
        write(`${eventLine(event)}\n`);
        return;
      }
      const tenth = Math.floor((event.doneBytes / Math.max(1, event.totalBytes)) * 10);
      if (tenth <= told) return;
      told = tenth;
      write(`${tenth * 10} %  ${amounts(event)}\n`);
    },
    end: () => undefined,
  };
}

/** Every event as it is, progress at most every tenth of a second. */
export function jsonReport(write: Write, now: () => number = () => performance.now()): PullReport {
  let toldAt = -Infinity;
  return {
    show: (event) => {
      if (event.type === 'progress') {
        if (event.doneBytes !== event.totalBytes && now() - toldAt < REDRAW_MS) return;
        toldAt = now();
      }
      write(`${JSON.stringify(event)}\n`);
    },
    end: () => undefined,
  };
}

function barLine(event: Progress): string {
  const share = event.totalBytes === 0 ? 1 : event.doneBytes / event.totalBytes;
  const filled = Math.round(share * BAR_CELLS);
  const percent = String(Math.floor(share * 100)).padStart(3);
  return `${percent} % ${'#'.repeat(filled)}${'.'.repeat(BAR_CELLS - filled)} ${amounts(event)}`;
}

function amounts({ doneBytes, totalBytes, bytesPerSecond }: Progress): string {
  const sum = `${sizeText(doneBytes)} of ${sizeText(totalBytes)}`;
  if (bytesPerSecond === 0) return sum;
  const rest = durationText((totalBytes - doneBytes) / bytesPerSecond);
  return `${sum}, ${sizeText(bytesPerSecond)}/s, ${rest} left`;
}

function eventLine(event: Exclude<PullEvent, Progress>): string {
  switch (event.type) {
    case 'chosen': {
      const files =
        event.files.length === 1 ? plainLine(event.files[0] ?? '') : `${event.files.length} files`;
      return `${files}, ${sizeText(event.totalBytes)}`;
    }
    case 'waiting':
      return plainLine(`${event.file} is being fetched by ${event.writer}; waiting for it`);
    case 'checking':
      return plainLine(`checking ${event.file}, which is there already`);
    case 'retrying':
      return plainText(`${event.reason} Trying again in ${(event.delayMs / 1000).toFixed(1)} s.`);
    default:
      return event satisfies never;
  }
}
