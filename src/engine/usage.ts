import type { Usage } from './engine.js';

export const NO_USAGE: Usage = {
  prompt_tokens: 0,
  completion_tokens: 0,
  total_tokens: 0,
  avg_tok_per_sec: 0,
  avg_prompt_tok_per_sec: 0,
  avg_compl_tok_per_sec: 0,
  total_time_sec: 0,
  total_prompt_time_sec: 0,
  total_completion_time_sec: 0,
};

const rate = (tokens: number, seconds: number): number => (seconds > 0 ? tokens / seconds : 0);

/** Tokens and seconds are summed over rounds; the averages follow from the sums. */
export function addUsage(a: Usage, b: Usage): Usage {
  const prompt_tokens = a.prompt_tokens + b.prompt_tokens;
  const completion_tokens = a.completion_tokens + b.completion_tokens;
  const total_prompt_time_sec = a.total_prompt_time_sec + b.total_prompt_time_sec;
  const total_completion_time_sec = a.total_completion_time_sec + b.total_completion_time_sec;
  const total_time_sec = a.total_time_sec + b.total_time_sec;
  const cached =
    (a.prompt_tokens_details?.cached_tokens ?? 0) + (b.prompt_tokens_details?.cached_tokens ?? 0);
  const details = addGuesses(a.completion_tokens_details, b.completion_tokens_details);
  return {
    prompt_tokens,
    completion_tokens,
    total_tokens: prompt_tokens + completion_tokens,
    avg_tok_per_sec: rate(prompt_tokens + completion_tokens, total_time_sec),
    avg_prompt_tok_per_sec: rate(prompt_tokens, total_prompt_time_sec),
    avg_compl_tok_per_sec: rate(completion_tokens, total_completion_time_sec),
    total_time_sec,
    total_prompt_time_sec,
    total_completion_time_sec,
    prompt_tokens_details: { cached_tokens: cached },
    ...(details && { completion_tokens_details: details }),
  };
}

type Guesses = Usage['completion_tokens_details'];

function addGuesses(a: Guesses, b: Guesses): Guesses {
  if (a === undefined || b === undefined) return a ?? b;
  return {
    accepted_prediction_tokens: a.accepted_prediction_tokens + b.accepted_prediction_tokens,
    rejected_prediction_tokens: a.rejected_prediction_tokens + b.rejected_prediction_tokens,
  };
}
