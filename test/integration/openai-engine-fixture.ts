import { afterAll } from 'vitest';
import type { Engine, GenerateRequest } from '../../src/engine/engine.js';
import { createOpenAiEngine } from '../../src/engine/openai/openai-engine.js';
import type { OpenAiEngineOptions } from '../../src/engine/openai/openai-engine-options.js';
import { startScriptedUpstream, type ScriptedUpstream } from '../support/scripted-upstream.js';
import { TEST_KEY, TEST_LIMITS } from '../support/upstream-misbehaviours/misbehaviour.js';

export const REQUEST: GenerateRequest = {
  sessionId: 'session-a',
  messages: [{ role: 'user', content: 'Hello!' }],
  tools: [],
  sampling: {},
};

/** Whoever makes it closes it. */
export function engineOn(upstream: ScriptedUpstream, options: Partial<OpenAiEngineOptions> = {}): Engine {
  return createOpenAiEngine({
    model: `openai:${upstream.url}`,
    key: TEST_KEY,
    contextSize: 'auto',
    parallel: 4,
    limits: TEST_LIMITS,
    ...options,
  });
}

const upstreams: ScriptedUpstream[] = [];
/** Closed after the last test of the file. */
export async function upstream(
  ...scene: Parameters<typeof startScriptedUpstream>
): Promise<ScriptedUpstream> {
  const started = await startScriptedUpstream(...scene);
  upstreams.push(started);
  return started;
}
afterAll(async () => {
  for (const started of upstreams) await started.close();
});
