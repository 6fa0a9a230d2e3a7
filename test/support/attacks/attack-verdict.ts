import type { ExecutionResult } from '../../../src/sandbox/sandbox.js';
import type { Attack } from './attack.js';

const DEFAULT_MAX_OUTPUT_BYTES = 2 ** 20;
const MAX_TEXT_CHARACTERS = 256 * 1024;
const MAX_PICTURE_BYTES = 32 * 2 ** 20;
/** SIGKILL after 2 s, the host's own deadline after 5 s; the rest is for a busy machine. */
const GRACE_MS = 8000;

/** What is not as the attack's record, or the port, says it must be. */
export function complaintsAbout(attack: Attack, result: ExecutionResult, ms: number): string[] {
  return [...unexpected(attack, result), ...boundless(attack, result, ms)];
}

function unexpected({ expected }: Attack, result: ExecutionResult): string[] {
  const outcomes = typeof expected.outcome === 'string' ? [expected.outcome] : expected.outcome;
  const complaints: string[] = [];
  if (!outcomes.includes(result.outcome)) {
    const said = result.exception ?? result.value ?? result.stderr;
    complaints.push(`it ${result.outcome}: ${said.slice(-300)}`);
  }
  for (const part of ['value', 'stdout', 'exception'] as const) {
    const wanted = expected[part];
    const text = result[part] ?? '';
    if (wanted === undefined || (typeof wanted === 'string' ? wanted === text : wanted.test(text))) continue;
    complaints.push(`its ${part} was ${JSON.stringify(text.slice(0, 300))}`);
  }
  if (expected.drops === true && result.droppedBytes === 0) complaints.push('it dropped no output');
  const changes = result.changes.map(({ path }) => path).sort();
  if (expected.changes !== undefined && changes.join('/') !== expected.changes.toSorted().join('/')) {
    complaints.push(`it changed ${JSON.stringify(changes.slice(0, 20))}`);
  }
  return complaints;
}

/** Holds for whatever ran. */
function boundless({ limits }: Attack, result: ExecutionResult, ms: number): string[] {
  const most = limits.maxOutputBytes ?? DEFAULT_MAX_OUTPUT_BYTES;
  const pictures = [...result.images, ...result.videoFrames];
  const claims: readonly (readonly [string, boolean])[] = [
    ['it went on after its time', ms <= limits.timeoutMs + GRACE_MS],
    ['its output was not capped', Math.max(result.stdout.length, result.stderr.length) <= most],
    ['its value was not capped', (result.value ?? '').length <= MAX_TEXT_CHARACTERS],
    ['its exception was not capped', (result.exception ?? '').length <= MAX_TEXT_CHARACTERS],
    ['its pictures were not capped', sum(pictures.map(({ data }) => data.length)) <= MAX_PICTURE_BYTES],
    ['its pictures are none', pictures.every(({ mimeType }) => /^image\/(png|jpeg)$/.test(mimeType))],
    ['its figures are none', [result.cpuMs, result.peakMemoryBytes, result.durationMs].every(isFigure)],
    ['the canary was in its result', !/canary-[0-9a-f]{8}/.test(textOf(result))],
  ];
  return claims.filter(([, holds]) => !holds).map(([complaint]) => complaint);
}

function isFigure(value: number | undefined): boolean {
  return value === undefined || (Number.isFinite(value) && value >= 0);
}

function textOf({ stdout, stderr, value = '', exception = '' }: ExecutionResult): string {
  return [stdout, stderr, value, exception].join('\n');
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
