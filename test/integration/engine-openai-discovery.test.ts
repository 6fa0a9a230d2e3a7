import { describe, expect, test } from 'vitest';
import type { OpenAiEngineOptions } from '../../src/engine/openai/openai-engine-options.js';
import { engineOn, REQUEST, upstream } from './openai-engine-fixture.js';

describe('what the HTTP engine finds out about a server', () => {
  const modelList = (...data: readonly unknown[]) => ({ '/v1/models': { object: 'list', data } });

  async function statusOn(
    replies: Record<string, unknown>,
    options: Partial<OpenAiEngineOptions> = {},
    model = '',
  ) {
    const server = await upstream({ replies });
    const engine = engineOn(server, { model: `openai:${server.url}${model}`, ...options });
    await engine.capabilities().catch(() => undefined);
    const status = engine.status();
    await engine.close();
    return status;
  }

  test.each<[string, Record<string, unknown>, string, number, string]>([
    ['vLLM', modelList({ id: 'm', owned_by: 'vllm', max_model_len: 32_768 }), 'vllm', 32_768, 'server'],
    [
      'llama-server',
      {
        ...modelList({ id: 'm', owned_by: 'llamacpp', meta: { n_ctx_train: 131_072 } }),
        '/props': { default_generation_settings: { n_ctx: 2048 } },
      },
      'llama-server',
      2048,
      'server',
    ],
    ['Ollama', modelList({ id: 'm:latest', owned_by: 'library' }), 'ollama', 4096, 'assumption'],
    [
      'Ollama with the model loaded',
      {
        ...modelList({ id: 'm' }),
        '/api/version': { version: '1' },
        '/api/ps': { models: [{ name: 'm', context_length: 9000 }] },
      },
      'ollama',
      9000,
      'server',
    ],
    [
      'LM Studio, which answers everything with 200',
      {
        ...modelList({ id: 'm', owned_by: 'organization_owner' }),
        '/api/v0/models': { data: [{ id: 'm', max_context_length: 100_000, loaded_context_length: 5000 }] },
      },
      'lm-studio',
      5000,
      'server',
    ],
    ['Gantry', modelList({ id: 'm', owned_by: 'gantry', context_length: 2048 }), 'gantry', 2048, 'server'],
    [
      'an unknown one, although it answers any path',
      {
        ...modelList({ id: 'm' }),
        '/props': { error: 'Unexpected endpoint' },
        '/version': { error: 'Unexpected endpoint' },
      },
      'generic',
      8192,
      'assumption',
    ],
  ])('%s', async (_name, replies, kind, contextSize, contextFrom) => {
    expect(await statusOn(replies)).toMatchObject({ state: 'remote', kind, contextSize, contextFrom });
  });

  test('a configured context goes before what the server tells', async () => {
    const replies = modelList({ id: 'm', owned_by: 'vllm', max_model_len: 32_768 });
    expect(await statusOn(replies, { contextSize: 1000 })).toMatchObject({
      contextSize: 1000,
      contextFrom: 'configuration',
    });
  });

  test.each<[string, Record<string, unknown>, readonly string[]]>([
    ['nothing is assumed', modelList({ id: 'm', owned_by: 'vllm' }), []],
    ['by the list', modelList({ id: 'm', input_modalities: ['text', 'image', 'smell'] }), ['image']],
    [
      'by the list, as gateways have it',
      modelList({ id: 'm', architecture: { input_modalities: ['audio', 'image'] } }),
      ['image', 'audio'],
    ],
    [
      'llama-server',
      {
        ...modelList({ id: 'm', owned_by: 'llamacpp' }),
        '/props': { default_generation_settings: {}, modalities: { vision: true, audio: false } },
      },
      ['image'],
    ],
    [
      'Ollama',
      {
        ...modelList({ id: 'm', owned_by: 'library' }),
        '/api/show': (body: unknown) => ({
          capabilities: ['completion', (body as { model: string }).model === 'm' ? 'vision' : ''],
        }),
      },
      ['image'],
    ],
    [
      'LM Studio',
      {
        ...modelList({ id: 'm', owned_by: 'organization_owner' }),
        '/api/v0/models': { data: [{ id: 'm', type: 'vlm' }] },
      },
      ['image'],
    ],
    [
      'LM Studio with a model for text',
      {
        ...modelList({ id: 'm', owned_by: 'organization_owner' }),
        '/api/v0/models': { data: [{ id: 'm', type: 'llm' }] },
      },
      [],
    ],
    [
      'an answer that makes no sense',
      { ...modelList({ id: 'm', owned_by: 'llamacpp' }), '/props': { modalities: 'all' } },
      [],
    ],
  ])('what its model takes beside text: %s', async (_name, replies, input) => {
    expect(await statusOn(replies)).toMatchObject({ state: 'remote', input });
    expect(await statusOn(replies, { input: ['audio'] })).toMatchObject({ input: ['audio'] });
  });

  test('several models and none named: they are listed', async () => {
    const status = await statusOn(modelList({ id: 'first' }, { id: 'second' }));
    expect(status).toMatchObject({ state: 'failed', message: expect.stringContaining('first, second') });
  });

  test('a model that is not there is no other one', async () => {
    const status = await statusOn(modelList({ id: 'there', owned_by: 'llamacpp' }), {}, '#else');
    expect(status).toMatchObject({
      state: 'failed',
      message: expect.stringContaining('"else". It has there'),
    });
  });

  test('a server without a list is asked for the model named', async () => {
    const status = await statusOn({ '/v1/models': undefined }, {}, '#mine');
    expect(status).toMatchObject({ state: 'remote', model: 'mine', kind: 'generic' });
    expect(await statusOn({ '/v1/models': undefined })).toMatchObject({ state: 'failed' });
  });

  test('its own count of tokens, or an estimate when it has none', async () => {
    const prompt = { messages: REQUEST.messages, tools: [] };
    const counted = async (replies: Record<string, unknown>) => {
      const engine = engineOn(await upstream({ replies }));
      const tokens = await engine.count(prompt);
      await engine.close();
      return tokens;
    };
    const vllm = modelList({ id: 'm', owned_by: 'vllm' });
    expect(await counted({ ...vllm, '/tokenize': { count: 123 } })).toBe(123);
    const estimate = await counted(vllm);
    expect(estimate).toBeGreaterThan(2);
    const llama = modelList({ id: 'm', owned_by: 'llamacpp' });
    const tokenize = ({ content }: { content: string }) => ({
      tokens: content.split(''),
    });
    expect(await counted({ ...llama, '/apply-template': { prompt: '12345' }, '/tokenize': tokenize })).toBe(
      5,
    );
    expect(await counted(llama)).toBe(estimate);
  });
});
