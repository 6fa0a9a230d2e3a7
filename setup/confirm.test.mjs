import { PassThrough } from 'node:stream';
import { describe, expect, it, vi } from 'vitest';
import { confirm } from './confirm.mjs';

/** A terminal where these keys are pressed once the question is there. */
function terminalWith(keys) {
  const input = Object.assign(new PassThrough(), { isTTY: true, setRawMode: () => undefined });
  const output = Object.assign(new PassThrough(), { isTTY: true });
  output.once('data', () => input.write(keys));
  return { input, output, exit: vi.fn() };
}

describe('confirm', () => {
  it.each([
    ['\r', true],
    ['y\r', true],
    ['no\r', false],
    ['\x04', false],
  ])('takes the keys %j as %s', async (keys, answer) => {
    const terminal = terminalWith(keys);
    expect(await confirm('Install?', {}, terminal)).toBe(answer);
    expect(terminal.exit).not.toHaveBeenCalled();
  });

  it('ends with 130 at Ctrl-C', async () => {
    const terminal = terminalWith('\x03');
    const ended = new Promise((resolve) => terminal.exit.mockImplementation(resolve));
    expect(await Promise.race([ended, confirm('Install?', {}, terminal)])).toBe(130);
  });

  it('does not ask where nobody can be asked', async () => {
    const terminal = terminalWith('no\r');
    expect(await confirm('Install?', { CI: '1' }, terminal)).toBe(true);
    terminal.input.isTTY = false;
    expect(await confirm('Install?', {}, terminal)).toBe(true);
  });
});
