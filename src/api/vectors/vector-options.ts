import { z } from 'zod';

/** Other servers' ways to cut what is too long, which here is refused instead. */
const CUTS = ['truncate', 'truncate_prompt_tokens', 'max_tokens_per_doc', 'max_chunks_per_doc'];

/** Fields of the request that would change its answer and are not done here. */
export function refuseCuts(request: Readonly<Record<string, unknown>>, context: z.RefinementCtx): void {
  for (const name of CUTS) {
    const value = request[name];
    if (value === undefined || value === null || value === false) continue;
    const message = 'is not supported: nothing is cut here, and what is too long is refused with its length';
    context.addIssue({ code: 'custom', path: [name], message });
  }
}
