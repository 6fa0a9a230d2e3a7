import { describe, expect, it } from 'vitest';
import { FileLine } from './file-line.js';

const MEBIBYTE = 1024 * 1024;

function lineOfFiles() {
  const line = new FileLine();
  const asked: number[] = [];
  const enter = (request: number, bytes = 0, call = 1) =>
    line.enter({ call, request, bytes, ask: () => void asked.push(request) });
  return { line, asked, enter };
}

describe('the line of file requests', () => {
  it('asks one after another, in order', () => {
    const { line, asked, enter } = lineOfFiles();
    for (const request of [1, 2, 3]) expect(enter(request)).toBeUndefined();
    expect(asked).toEqual([1]);
    line.answered(1, 2);
    expect(asked).toEqual([1]);
    line.answered(1, 1);
    line.answered(1, 2);
    expect(asked).toEqual([1, 2, 3]);
  });

  it('holds 32 MiB at most, what is under way included', () => {
    const { line, enter } = lineOfFiles();
    for (const request of [1, 2, 3, 4]) expect(enter(request, 8 * MEBIBYTE)).toBeUndefined();
    expect(enter(5, 1)).toContain('await some first');
    expect(enter(6)).toBeUndefined();
    line.answered(1, 1);
    expect(enter(7, 8 * MEBIBYTE)).toBeUndefined();
  });

  it('forgets with their call those that were not asked, and waits for the one that was', () => {
    const { line, asked, enter } = lineOfFiles();
    enter(1);
    enter(2);
    line.forgetWaiting();
    enter(3, 0, 2);
    expect(asked).toEqual([1]);
    line.answered(1, 1);
    expect(asked).toEqual([1, 3]);
  });
});
