import fc from 'fast-check';
import { expect, test } from 'vitest';
import { hostRequest } from '../engine/llama/host-request.js';
import { toHost } from '../engine/llama/protocol.js';
import { type RunOptions, runOptionsSchema } from '../runs/run-request.js';
import { snapshotOf } from './snapshot.fixture.js';
import { toRequest } from './to-request.js';

const edges = [
  -2,
  -0,
  0,
  Number.MIN_VALUE,
  0.5,
  1,
  2,
  10,
  20,
  Number.MAX_SAFE_INTEGER,
  '',
  'x',
  [],
  [''],
  ['x'],
  true,
];
const sampling: readonly (keyof RunOptions)[] = [
  'temperature',
  'top_p',
  'top_k',
  'min_p',
  'repetition_penalty',
  'presence_penalty',
  'frequency_penalty',
  'seed',
  'stop',
  'max_tokens',
  'top_logprobs',
  'raw',
  'thinking_budget',
];

test("what the server takes of a client, the model's process takes too", () => {
  const option = fc.tuple(fc.constantFrom(...sampling), fc.constantFrom(...edges));
  const taken = option
    .map(([name, value]) => runOptionsSchema.safeParse({ logprobs: true, [name]: value }))
    .filter(({ success }) => success);
  fc.assert(
    fc.property(taken, ({ data: options }) => {
      const request = toRequest(snapshotOf({ ...(options && { options }) }), [], [], undefined);
      const sent = toHost.safeParse({ type: 'generate', id: 1, request: hostRequest(request) });
      expect(sent.error).toBeUndefined();
    }),
    { numRuns: 500 },
  );
});
