import type { GenerateRequest, Usage } from '../engine.js';
import type { ReportedUsage } from './chat-chunk.js';
import { estimatePromptTokens, estimateTokens } from './estimate-tokens.js';

/**
 * Times one generation from the moment the request is sent; the prompt ends with the first piece of the answer.
 * Tokens are the server's; where it tells none they are estimated.
 */
export class UsageMeter {
  private readonly started = performance.now();
  private answerBegan: number | undefined;
  private reported: ReportedUsage | undefined;

  constructor(private readonly request: GenerateRequest) {}

  answering(): void {
    this.answerBegan ??= performance.now();
  }

  /** The last one counts: some servers tell running totals with each chunk. */
  report(usage: ReportedUsage): void {
    this.reported = usage;
  }

  finish(answer: string): Usage {
    const ended = performance.now();
    const promptSeconds = ((this.answerBegan ?? ended) - this.started) / 1000;
    const completionSeconds = (ended - (this.answerBegan ?? ended)) / 1000;
    const totalSeconds = promptSeconds + completionSeconds;
    const promptTokens = this.reported?.promptTokens ?? estimatePromptTokens(this.request);
    const told = this.reported?.completionTokens ?? 0;
    const completionTokens = told > 0 ? told : estimateTokens(answer);
    return {
      prompt_tokens: promptTokens,
      completion_tokens: completionTokens,
      total_tokens: promptTokens + completionTokens,
      avg_tok_per_sec: rate(promptTokens + completionTokens, totalSeconds),
      avg_prompt_tok_per_sec: rate(promptTokens, promptSeconds),
      avg_compl_tok_per_sec: rate(completionTokens, completionSeconds),
      total_time_sec: totalSeconds,
      total_prompt_time_sec: promptSeconds,
      total_completion_time_sec: completionSeconds,
      prompt_tokens_details: { cached_tokens: this.reported?.cachedTokens ?? 0 },
    };
  }
}

function rate(tokens: number, seconds: number): number {
  return seconds > 0 ? tokens / seconds : 0;
}
