import type { MediaType } from '../media.js';
import type { EngineStatus } from '../engine.js';

export interface OpenAiEngineOptions {
  /** `openai:<base url>[#<model>]`. */
  readonly model: string;
  /** Sent as a bearer token, to the host of the base URL only. */
  readonly key?: string;
  /** Tokens each conversation can hold; `auto`: what the server tells, else what servers of its kind usually have. */
  readonly contextSize: 'auto' | number;
  /** What the model takes beside text; absent: as the server tells. */
  readonly input?: readonly MediaType[] | undefined;
  /** Generations at the server at the same time; more wait in line. */
  readonly parallel: number;
  readonly limits?: Partial<UpstreamLimits>;
  /** Told each change of state. */
  readonly onStatus?: (status: EngineStatus) => void;
}

export interface UpstreamLimits {
  /** Characters of one event of a stream: a whole call may come in one. */
  readonly eventChars: number;
  /** Characters of one answer: text, thoughts and arguments. */
  readonly answerChars: number;
  /** Bytes read of an answer that is no stream, of an error and of a list. */
  readonly bodyBytes: number;
  /** Milliseconds for the figures after the model has ended its turn. */
  readonly closingMs: number;
  /** Milliseconds for a question that is no generation. */
  readonly questionMs: number;
  /** Milliseconds for the embeddings of some inputs, or one ranking. */
  readonly vectorsMs: number;
  /** Milliseconds between the first two tries to reach a server that does not answer; doubles up to sixteen times that. */
  readonly retryMs: number;
}

export const UPSTREAM_LIMITS: UpstreamLimits = {
  eventChars: 4 * 1024 * 1024,
  answerChars: 16 * 1024 * 1024,
  bodyBytes: 16 * 1024 * 1024,
  closingMs: 2000,
  questionMs: 10_000,
  vectorsMs: 600_000,
  retryMs: 1000,
};
