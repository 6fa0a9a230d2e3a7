import { describe, expect, it } from 'vitest';
import type { PullEvent } from '../../models/pull-event.js';
import { barReport, jsonReport, lineReport } from './pull-report.js';

function progress(doneBytes: number): PullEvent {
  return { type: 'progress', file: 'm.gguf', doneBytes, totalBytes: 1000, bytesPerSecond: 100 };
}

describe('how a download is told', () => {
  it('without a terminal: a line for each tenth, also where several go by at once', () => {
    let text = '';
    const { show } = lineReport((more) => (text += more));
    for (const done of [0, 50, 99, 100, 150, 420, 425, 1000, 1000]) show(progress(done));
    expect(text.match(/^\d+ %/gm)).toEqual(['10 %', '40 %', '100 %']);
  });

  it('on a terminal: one line that is drawn again at most ten times a second, and at the end', () => {
    let text = '';
    let now = 0;
    const { show, end } = barReport(
      (more) => (text += more),
      () => now,
    );
    show(progress(10));
    now = 50;
    show(progress(20));
    show(progress(1000));
    end();
    expect(
      text
        .split('\r')
        .slice(1)
        .map((line) => line.replace('\u001B[K', '').slice(0, 5)),
    ).toEqual(['  1 %', '100 %']);
    expect(text.endsWith('0:00 left\n')).toBe(true);
  });

  it('shows names as text, whatever they are', () => {
    let text = '';
    const { show } = lineReport((more) => (text += more));
    show({ type: 'waiting', file: 'a\u001B[2Jb\nc', writer: 'process 1 on\u0007 host' });
    show({ type: 'chosen', files: ['\u001B]0;x\u0007.gguf'], quantization: undefined, totalBytes: 1536 });
    show({ type: 'retrying', file: 'a', reason: 'it \u009Bbroke.', delayMs: 500 });
    // eslint-disable-next-line no-control-regex
    expect(text).not.toMatch(/[\u0000-\u0009\u000B-\u001F\u007F-\u009F]/);
    expect(text).toContain('1.5 KiB');
    expect(text.split('\n')).toHaveLength(4);
  });

  it('as JSON: every event, progress at most ten times a second', () => {
    const lines: string[] = [];
    const { show } = jsonReport(
      (more) => lines.push(more),
      () => 0,
    );
    show({ type: 'checking', file: 'm.gguf' });
    for (const done of [1, 2, 3, 1000]) show(progress(done));
    expect(lines.map((line) => (JSON.parse(line) as PullEvent).type)).toEqual([
      'checking',
      'progress',
      'progress',
    ]);
  });
});
