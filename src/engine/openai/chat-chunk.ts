import { z } from 'zod';
import { type ChosenToken, chosenTokenSchema, tokenLogprobSchema } from '../../token-logprobs.js';
import { REASONING_FIELDS } from './server-traits.js';

export interface CallPiece {
  readonly index: number | undefined;
  readonly id: string | undefined;
  readonly name: string | undefined;
  readonly arguments: string;
}

export interface ReportedUsage {
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly cachedTokens: number;
}

/** One chunk of an answer in one shape, whatever the server's dialect. */
export interface ChatChunk {
  /** There was a choice in it: a chunk may as well have nothing but figures. */
  readonly answers: boolean;
  readonly reasoning: string;
  readonly text: string;
  /** The tokens of that text, or of the reasoning where there is no text. */
  readonly logprobs: readonly ChosenToken[];
  readonly calls: readonly CallPiece[];
  readonly finishReason: string | undefined;
  readonly usage: ReportedUsage | undefined;
  /** The error that the server put in place of a chunk. */
  readonly error?: unknown;
}

const optionalText = z.string().optional().catch(undefined);
const tokens = z.number().int().nonnegative().catch(0);

/** Text, or parts of it as Mistral sends them: `{type: 'text', text}`, `{type: 'thinking', thinking: [...]}`. */
const parts = z.array(
  z.object({ text: optionalText, thinking: z.unknown().optional() }).catch({ thinking: undefined }),
);
const content = z.union([z.string(), parts]).optional().catch(undefined);

const callPiece = z.object({
  index: z.number().int().optional().catch(undefined),
  id: optionalText,
  function: z
    .object({ name: optionalText, arguments: z.unknown().optional() })
    .catch({ arguments: undefined }),
});

const delta = z.looseObject({
  content,
  tool_calls: z.array(callPiece).optional().catch(undefined),
});

/** Not every server tells bytes. */
const bytes = tokenLogprobSchema.shape.bytes
  .optional()
  .catch(null)
  .transform((given) => given ?? null);
const logprobs = z.object({
  content: z
    .array(
      chosenTokenSchema.extend({
        bytes,
        top_logprobs: z.array(tokenLogprobSchema.extend({ bytes })).optional().default([]),
      }),
    )
    .nullish(),
});

const choice = z.object({
  index: z.number().catch(0),
  delta: delta.optional().catch(undefined),
  /** A whole answer, from a server that does not stream. */
  message: delta.optional().catch(undefined),
  logprobs: logprobs.nullish().catch(undefined),
  finish_reason: optionalText,
});

const usage = z.object({
  prompt_tokens: tokens,
  completion_tokens: tokens,
  prompt_cache_hit_tokens: tokens.optional(),
  prompt_tokens_details: z.object({ cached_tokens: tokens }).optional().catch(undefined),
});

const chunk = z.object({
  object: z.unknown().optional(),
  error: z.unknown().optional(),
  choices: z.array(choice).optional().catch(undefined),
  usage: usage.optional().catch(undefined),
});

const NOTHING: ChatChunk = {
  answers: false,
  reasoning: '',
  text: '',
  logprobs: [],
  calls: [],
  finishReason: undefined,
  usage: undefined,
};

/** Undefined for JSON that is no part of an answer. */
export function readChunk(value: unknown): ChatChunk | undefined {
  const parsed = chunk.safeParse(value);
  if (!parsed.success) return undefined;
  const { object, error, choices, usage: reported } = parsed.data;
  if ((error !== undefined && error !== null) || object === 'error') return { ...NOTHING, error: value };
  if (choices === undefined && reported === undefined) return undefined;
  const first = choices?.find((one) => one.index === 0);
  return {
    ...NOTHING,
    ...(first && readChoice(first)),
    usage: reported && readUsage(reported),
  };
}

function readChoice(first: z.infer<typeof choice>): ChatChunk {
  const said = first.delta ?? first.message;
  const { text, thinking } = readContent(said?.content);
  return {
    ...NOTHING,
    answers: true,
    reasoning: thinking + reasoningOf(said),
    text,
    logprobs: first.logprobs?.content ?? [],
    calls: (said?.tool_calls ?? []).map((call) => ({
      index: call.index,
      id: call.id === '' ? undefined : call.id,
      name: call.function.name === '' ? undefined : call.function.name,
      arguments: argumentsText(call.function.arguments),
    })),
    finishReason: first.finish_reason === '' ? undefined : first.finish_reason,
  };
}

function readUsage(reported: z.infer<typeof usage>): ReportedUsage {
  return {
    promptTokens: reported.prompt_tokens,
    completionTokens: reported.completion_tokens,
    cachedTokens: reported.prompt_tokens_details?.cached_tokens ?? reported.prompt_cache_hit_tokens ?? 0,
  };
}

function reasoningOf(said: z.infer<typeof delta> | undefined): string {
  for (const field of REASONING_FIELDS) {
    const value = said?.[field];
    if (typeof value === 'string' && value !== '') return value;
  }
  return '';
}

function readContent(value: z.infer<typeof content>): { readonly text: string; readonly thinking: string } {
  if (typeof value === 'string') return { text: value, thinking: '' };
  return {
    text: (value ?? []).map((part) => part.text ?? '').join(''),
    thinking: (value ?? []).map((part) => readContent(contentOf(part.thinking)).text).join(''),
  };
}

function contentOf(value: unknown): z.infer<typeof content> {
  return content.parse(value);
}

/** Some servers send the arguments parsed. */
function argumentsText(value: unknown): string {
  if (typeof value === 'string') return value;
  return value === undefined || value === null ? '' : JSON.stringify(value);
}
