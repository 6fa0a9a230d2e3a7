import { describe, expect, it } from 'vitest';
import { environmentSchema } from './config/config.js';
import { helpText } from './help.js';

const lines = helpText().split('\n');

function lineOf(name: string): string {
  const found = lines.filter((line) => line.trimStart().split(/\s/)[0] === name);
  expect(found, name).toHaveLength(1);
  return found[0] ?? '';
}

describe('helpText', () => {
  it('names every variable once, with what it takes and its default', () => {
    for (const [name, schema] of Object.entries(environmentSchema.shape)) {
      const line = lineOf(name);
      expect(schema.description, name).toBeDefined();
      expect(line).toContain(schema.description);
      const { data } = schema.safeParse(undefined);
      if ((typeof data === 'string' && data !== '') || typeof data === 'number')
        expect(line).toMatch(new RegExp(`\\[${data}\\]$`));
    }
  });

  it('shows no default where there is none', () => {
    expect(lineOf('DATABASE_URL')).not.toMatch(/\]$/);
  });

  it('shows defaults, not what this process was started with', () => {
    const before = process.env['LOG_LEVEL'];
    process.env['LOG_LEVEL'] = 'trace';
    try {
      expect(helpText()).toMatch(/LOG_LEVEL .*\[info\]/);
    } finally {
      if (before === undefined) delete process.env['LOG_LEVEL'];
      else process.env['LOG_LEVEL'] = before;
    }
  });

  it('says how to start, and ends with a line break', () => {
    expect(helpText()).toMatch(/npm start .*run the server/);
    expect(helpText().endsWith('\n')).toBe(true);
  });
});
