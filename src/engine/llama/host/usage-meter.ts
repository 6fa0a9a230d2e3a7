import type { HostUsage } from '../protocol.js';
import type { GuessCount } from './input-lookup.js';

/** Times one generation from its first evaluated token. */
export class UsageMeter {
  private readonly started = performance.now();
  private promptEnded = this.started;
  private promptTokens = 0;
  private cachedTokens = 0;

  promptDone(promptTokens: number, cachedTokens: number): void {
    this.promptEnded = performance.now();
    this.promptTokens = promptTokens;
    this.cachedTokens = cachedTokens;
  }

  finish(completionTokens: number, guesses?: GuessCount): HostUsage {
    const ended = performance.now();
    const promptSeconds = (this.promptEnded - this.started) / 1000;
    const completionSeconds = (ended - this.promptEnded) / 1000;
    const totalSeconds = promptSeconds + completionSeconds;
    const totalTokens = this.promptTokens + completionTokens;
    return {
      prompt_tokens: this.promptTokens,
      completion_tokens: completionTokens,
      total_tokens: totalTokens,
      avg_tok_per_sec: rate(totalTokens, totalSeconds),
      avg_prompt_tok_per_sec: rate(this.promptTokens, promptSeconds),
      avg_compl_tok_per_sec: rate(completionTokens, completionSeconds),
      total_time_sec: totalSeconds,
      total_prompt_time_sec: promptSeconds,
      total_completion_time_sec: completionSeconds,
      prompt_tokens_details: { cached_tokens: this.cachedTokens },
      ...(guesses && {
        completion_tokens_details: {
          accepted_prediction_tokens: guesses.accepted,
          rejected_prediction_tokens: guesses.rejected,
        },
      }),
    };
  }
}

function rate(tokens: number, seconds: number): number {
  return seconds > 0 ? tokens / seconds : 0;
}
