import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';
import type { z } from 'zod';

export type ParsedArguments =
  | { readonly ok: true; readonly value: unknown; readonly canonical: string; readonly hash: string }
  | { readonly ok: false; readonly problem: string };

/** Hex sha256 of the RFC 8785 form: what an approval is bound to. */
export function hashArguments(value: unknown): string {
  return createHash('sha256')
    .update(canonicalize(value) ?? 'null')
    .digest('hex');
}

/** Deeper arguments are refused: schemas, hashes and the database all go down by recursion. */
const MAX_NESTING = 64;

/** Looks no deeper than the bound, so the value may be anything. */
export function isNestedTooDeep(value: unknown, levels = MAX_NESTING): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((item) => isNestedTooDeep(item, levels - 1));
}

/** Model-made JSON text against the tool's schema; the problem is written for the model to act on. */
export function parseArguments(json: string, schema: z.ZodType): ParsedArguments {
  let value: unknown;
  try {
    value = json.trim() === '' ? {} : JSON.parse(json);
  } catch (error) {
    return {
      ok: false,
      problem: `The arguments are not valid JSON: ${error instanceof Error ? error.message : ''}`,
    };
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success) {
    const problems = parsed.error.issues.map(
      (issue) => `${issue.path.join('.') || 'arguments'}: ${issue.message}`,
    );
    return { ok: false, problem: `The arguments do not fit the tool. ${problems.join('; ')}` };
  }
  // Bound to what the model wrote, not to defaults a later version might fill in otherwise.
  return { ok: true, value: parsed.data, canonical: canonicalize(value) ?? '{}', hash: hashArguments(value) };
}
