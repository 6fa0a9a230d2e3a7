import { z } from 'zod';
import type { GenerateRequest } from '../engine.js';
import { chatMessages, chatTools } from './chat-request.js';
import type { UpstreamServer } from './discovery.js';
import { estimatePromptTokens } from './estimate-tokens.js';
import type { UpstreamClient } from './upstream-client.js';

type Prompt = Pick<GenerateRequest, 'messages' | 'tools'>;

/**
 * Tokens of the prompt: exact from vLLM and llama-server, which render and tokenize it when asked; else, and
 * when they do not answer, an estimate on the high side.
 */
export async function countTokens(
  client: UpstreamClient,
  server: UpstreamServer,
  prompt: Prompt,
  signal: AbortSignal,
): Promise<number> {
  try {
    switch (server.traits.tokenizer) {
      case 'vllm':
        return await countWithVllm(client, server, prompt, signal);
      case 'llama-server':
        return await countWithLlamaServer(client, server, prompt, signal);
      case 'estimate':
        return estimatePromptTokens(prompt);
      default:
        return server.traits.tokenizer satisfies never;
    }
  } catch {
    signal.throwIfAborted();
    return estimatePromptTokens(prompt);
  }
}

async function countWithVllm(
  client: UpstreamClient,
  server: UpstreamServer,
  prompt: Prompt,
  signal: AbortSignal,
): Promise<number> {
  const body = { model: server.model, ...rendered(server, prompt), add_generation_prompt: true };
  const answer = await client.ask({ path: '/tokenize', under: 'root', body }, signal);
  return z.object({ count: z.number().int().positive() }).parse(answer).count;
}

async function countWithLlamaServer(
  client: UpstreamClient,
  server: UpstreamServer,
  prompt: Prompt,
  signal: AbortSignal,
): Promise<number> {
  const templated = await client.ask(
    { path: '/apply-template', under: 'root', body: rendered(server, prompt) },
    signal,
  );
  const { prompt: content } = z.object({ prompt: z.string() }).parse(templated);
  const body = { content, add_special: false, parse_special: true };
  const answer = await client.ask({ path: '/tokenize', under: 'root', body }, signal);
  return z.object({ tokens: z.array(z.unknown()).min(1) }).parse(answer).tokens.length;
}

function rendered({ traits }: UpstreamServer, { messages, tools }: Prompt) {
  return {
    messages: chatMessages(messages, traits),
    ...(tools.length === 0 ? {} : { tools: chatTools(tools) }),
  };
}
