import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { PROJECT_ROOT } from './config/project-root.js';
import { eventPayloadSchema } from './events/event.js';
import { createRunSchema } from './runs/run-request.js';

const page = readFileSync(join(PROJECT_ROOT, 'docs', 'protocol.md'), 'utf8');

/** Names in the first column of the rows of a table that has this heading. */
function namesIn(heading: RegExp): Set<string> {
  const lines = page.split('\n');
  const first = lines.findIndex((line) => heading.test(line));
  const last = lines.findIndex((line, index) => index > first && !line.startsWith('|'));
  const cells = lines.slice(first + 2, last).map((line) => line.split('|')[1] ?? '');
  return new Set(cells.flatMap((cell) => [...cell.matchAll(/`(\w+)/g)].map(([, name]) => name ?? '')));
}

it('names in the table of run.create every field, and no other', () => {
  const { input: _, session_id: __, ...optional } = createRunSchema.shape;
  expect(namesIn(/^\| fields /)).toEqual(new Set(Object.keys(optional)));
});

it('names in the table of events every one, save those told elsewhere on the page', () => {
  const named = namesIn(/^\| type +\| fields/);
  const types = eventPayloadSchema.options.flatMap(({ shape }) => [...shape.type.values]);
  for (const type of types.filter((one) => !named.has(one))) expect(page).toContain(`\`${type}\` events`);
  expect([...named].filter((one) => !(types as string[]).includes(one))).toEqual([]);
});

it('names every field of the event of a message', () => {
  const row = page.split('\n').find((line) => line.startsWith('| `message` ')) ?? '';
  const message = eventPayloadSchema.options.find(({ shape }) => shape.type.value === 'message');
  const fields = Object.keys(message?.shape ?? {}).filter((field) => field !== 'type');
  for (const field of fields) expect(row).toContain(`\`${field}`);
});
