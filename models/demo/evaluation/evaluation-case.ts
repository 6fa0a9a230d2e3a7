import { readFileSync } from 'node:fs';
import { z } from 'zod';

const argument = z.union([z.string(), z.array(z.string()).transform((lines) => lines.join('\n'))]);

const expectedCall = z.union([
  z.string().transform((name) => ({ name, arguments: {} })),
  z.object({ name: z.string(), arguments: z.record(z.string(), argument).default({}) }),
]);

/**
 * What a person said, and how one sees that it was understood. An argument that begins with `~` has to
 * contain these words in any order; others have to be equal. A list counts as its lines.
 */
const writtenTurn = z.strictObject({
  user: z.string(),
  calls: z.array(expectedCall),
  /** All of these have to be in the answer, whatever their case; a number as a number, 90 also as 90.0. */
  answer: z.array(z.string()),
  /** None of these may be in it. */
  not: z.array(z.string()).default([]),
  /** The user refuses every call of this turn. */
  deny: z.boolean().default(false),
  /** Files that have to be there afterwards: with this content, or at all. */
  writes: z.record(z.string(), z.string()).default({}),
  exists: z.array(z.string()).default([]),
});

/** A dialogue of the generator, with every message as it should be. */
const generatedTurn = z.strictObject({
  user: z.string(),
  rounds: z.array(
    z.strictObject({
      text: z.string(),
      calls: z.array(
        z.strictObject({
          name: z.string(),
          arguments: z.record(z.string(), z.unknown()),
          result: z.string(),
        }),
      ),
    }),
  ),
});

const shared = {
  id: z.string(),
  family: z.string(),
  tools: z.union([z.enum(['product', 'all', 'no_sandbox']), z.array(z.string())]).default('product'),
  thinking: z.boolean().default(false),
  system: z.string().nullable().default('You are a helpful assistant running locally.'),
  files: z.record(z.string(), z.string()).default({}),
  custom: z
    .array(
      z.strictObject({ name: z.string(), parameters: z.array(z.string()), result: z.string().default('') }),
    )
    .default([]),
};

const caseSchema = z.union([
  z
    .strictObject({ ...shared, turns: z.array(writtenTurn).min(1) })
    .transform((one) => ({ kind: 'written' as const, ...one })),
  z
    .strictObject({ ...shared, turns: z.array(generatedTurn).min(1) })
    .transform((one) => ({ kind: 'generated' as const, ...one })),
]);

export type EvaluationCase = z.infer<typeof caseSchema>;
export type WrittenTurn = z.infer<typeof writtenTurn>;
export type GeneratedTurn = z.infer<typeof generatedTurn>;

/** One case a line. Throws with the number of the first line that is none. */
export function readCases(path: string): EvaluationCase[] {
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
  return lines.map((line, index) => {
    const parsed = caseSchema.safeParse(JSON.parse(line));
    if (!parsed.success) throw new Error(`${path}:${index + 1}: ${z.prettifyError(parsed.error)}`);
    return parsed.data;
  });
}
