import { describe, expect, test } from 'vitest';
import type { GenerateRequest } from '../engine.js';
import { chatBody, GO_ON } from './chat-request.js';
import { SERVER_TRAITS, type ServerKind } from './server-traits.js';

const REQUEST: GenerateRequest = {
  sessionId: 's',
  messages: [
    { role: 'system', content: 'Be brief.' },
    { role: 'user', content: 'Hi' },
  ],
  tools: [],
  sampling: {},
};

function body(kind: ServerKind, request: Partial<GenerateRequest> = {}) {
  return chatBody({ ...REQUEST, ...request }, 'm', SERVER_TRAITS[kind]);
}

describe('chatBody', () => {
  test('asks for no more than it has to', () => {
    expect(body('generic')).toEqual({
      model: 'm',
      messages: REQUEST.messages,
      stream: true,
      stream_options: { include_usage: true },
    });
  });

  test('sends calls and results back, mends broken arguments, and thoughts where they are taken', () => {
    const messages: GenerateRequest['messages'] = [
      {
        role: 'assistant',
        content: '',
        reasoning: 'Hm',
        toolCalls: [
          { id: 'a', name: 'python', arguments: '{"code":"1"}' },
          { id: 'b', name: 'python', arguments: '{"code":' },
        ],
      },
      { role: 'tool', toolCallId: 'a', name: 'python', content: '1' },
    ];
    const sent = {
      role: 'assistant',
      content: null,
      tool_calls: [
        { id: 'a', type: 'function', function: { name: 'python', arguments: '{"code":"1"}' } },
        { id: 'b', type: 'function', function: { name: 'python', arguments: '{}' } },
      ],
    };
    expect(body('openai', { messages })['messages']).toEqual([
      sent,
      { role: 'tool', tool_call_id: 'a', content: '1' },
    ]);
    expect(body('vllm', { messages })['messages']).toMatchObject([{ ...sent, reasoning: 'Hm' }, {}]);
  });

  test('shows what a message shows, and the pictures of results after the last of them', () => {
    const picture = { type: 'image', mimeType: 'image/png', name: 'p', data: 'AAAA' } as const;
    const sound = { type: 'audio', mimeType: 'audio/mpeg', name: 's', data: 'BBBB' } as const;
    const shown = { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } };
    const result = (id: string) => ({ role: 'tool', toolCallId: id, name: 'python', content: id }) as const;
    const messages: GenerateRequest['messages'] = [
      { role: 'user', content: 'Look', media: [picture, sound] },
      { role: 'user', content: '', media: [picture] },
      { role: 'assistant', content: '', toolCalls: [] },
      { ...result('a'), media: [picture] },
      result('b'),
      { role: 'assistant', content: '', toolCalls: [] },
      result('c'),
    ];
    expect(body('generic', { messages })['messages']).toEqual([
      {
        role: 'user',
        content: [
          { type: 'text', text: 'Look' },
          shown,
          { type: 'input_audio', input_audio: { data: 'BBBB', format: 'mp3' } },
        ],
      },
      { role: 'user', content: [shown] },
      expect.objectContaining({ role: 'assistant' }),
      { role: 'tool', tool_call_id: 'a', content: 'a' },
      { role: 'tool', tool_call_id: 'b', content: 'b' },
      { role: 'user', content: [{ type: 'text', text: 'The pictures of the results above:' }, shown] },
      expect.objectContaining({ role: 'assistant' }),
      { role: 'tool', tool_call_id: 'c', content: 'c' },
    ]);
  });

  test('asks for a forced call by its name, or for any', () => {
    const tools = ['a', 'b'].map((name) => ({ name, description: '', parameters: { type: 'object' } }));
    expect(body('generic', { tools, forcedTools: ['a'] })['tool_choice']).toEqual({
      type: 'function',
      function: { name: 'a' },
    });
    expect(body('generic', { tools, forcedTools: ['a', 'b'] })['tool_choice']).toBe('required');
    expect(body('generic', { tools })).not.toHaveProperty('tool_choice');
  });

  test('names sampling as the server does, and leaves out what it refuses', () => {
    const sampling = {
      temperature: 0.5,
      topK: 0,
      minP: 0.1,
      repetitionPenalty: 1.1,
      maxTokens: 9,
      stop: ['x'],
    };
    expect(body('vllm', { sampling })).toMatchObject({
      temperature: 0.5,
      top_k: -1,
      min_p: 0.1,
      repetition_penalty: 1.1,
      max_tokens: 9,
      stop: ['x'],
    });
    expect(body('llama-server', { sampling })).toMatchObject({ top_k: 0, repeat_penalty: 1.1 });
    expect(body('openai', { sampling })).toEqual({
      ...body('openai'),
      temperature: 0.5,
      max_completion_tokens: 9,
      stop: ['x'],
    });
  });

  test('continues a prefix where the server can, and asks for it where not', () => {
    const continueFrom = { reasoning: 'Hm', text: 'Once upon' };
    const begun = { role: 'assistant', content: 'Once upon' };
    expect(body('vllm', { continueFrom, enableThinking: true })).toMatchObject({
      messages: [...REQUEST.messages, { ...begun, reasoning: 'Hm' }],
      continue_final_message: true,
      add_generation_prompt: false,
      chat_template_kwargs: { enable_thinking: false },
    });
    expect(body('generic', { continueFrom })['messages']).toEqual([
      ...REQUEST.messages,
      begun,
      { role: 'user', content: GO_ON },
    ]);
    const thoughtsOnly = { reasoning: 'Hm', text: '' };
    expect(body('vllm', { continueFrom: thoughtsOnly })).toEqual(body('vllm'));
  });

  test('what the prefix took counts toward the most', () => {
    const continueFrom = { reasoning: '', text: '12345' };
    const sampling = { maxTokens: 8 };
    expect(body('generic', { continueFrom, sampling })['max_tokens']).toBe(3);
    expect(body('generic', { continueFrom, sampling: { maxTokens: 2 } })['max_tokens']).toBe(1);
  });

  test('thoughts that are not continued take nothing of the most', () => {
    const continueFrom = { reasoning: 'Hm, let me see.'.repeat(300), text: '' };
    const sampling = { maxTokens: 1024 };
    expect(body('generic', { continueFrom, sampling })).toEqual(body('generic', { sampling }));
  });

  test('switches thinking as each server wants it', () => {
    const off = (kind: ServerKind) => body(kind, { enableThinking: false });
    expect(off('llama-server')).toMatchObject({ chat_template_kwargs: { enable_thinking: false } });
    expect(off('ollama')).toMatchObject({ reasoning_effort: 'none' });
    expect(off('gantry')).toMatchObject({ enable_thinking: false });
    expect(off('generic')).toEqual(body('generic'));
  });

  test('asks for JSON, and for one call at most', () => {
    const tools = [{ name: 'python', description: '', parameters: {} }];
    expect(body('vllm', { tools, parallelToolCalls: false })).toMatchObject({ parallel_tool_calls: false });
    expect(body('vllm', { parallelToolCalls: false })).not.toHaveProperty('parallel_tool_calls');
    expect(body('vllm', { responseFormat: { type: 'json' } })).toMatchObject({
      response_format: { type: 'json_object' },
    });
    expect(body('lm-studio', { responseFormat: { type: 'json' } })).toMatchObject({
      response_format: { type: 'json_schema' },
    });
    expect(body('openai', { responseFormat: { type: 'json', schema: { type: 'array' } } })).toMatchObject({
      response_format: { type: 'json_schema', json_schema: { schema: { type: 'array' } } },
    });
  });
});

describe('what is asked of single tokens', () => {
  test('is sent by the name that the server knows', () => {
    const sampling = { logitBias: { '7': -100 } };
    expect(body('openai', { sampling, topLogprobs: 0 })).toMatchObject({
      logit_bias: { '7': -100 },
      logprobs: true,
      top_logprobs: 0,
    });
    expect(body('vllm', { thinkingBudget: 9 })).toMatchObject({ thinking_token_budget: 9 });
    expect(body('llama-server', { thinkingBudget: 9 })).toMatchObject({ thinking_budget_tokens: 9 });
    expect(body('gantry', { thinkingBudget: 9 })).toMatchObject({ thinking_budget: 9 });
  });

  test('is refused where the server would leave it out', () => {
    expect(() => body('ollama', { sampling: { logitBias: { '7': 1 } } })).toThrow(
      /does not know logit_bias;/,
    );
    expect(() => body('openai', { thinkingBudget: 9 })).toThrow(/does not know thinking_budget;/);
  });
});
