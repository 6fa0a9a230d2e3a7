import type { DataSource } from 'typeorm';
import { expect, test } from 'vitest';
import { loadConfig } from '../config/config.js';
import type { Engine, EngineStatus, PoolMemberStatus } from '../engine/engine.js';
import { NoSandboxProvider } from '../sandbox/none/no-sandbox-provider.js';
import { ReadinessService } from './readiness.service.js';

const LOADING: EngineStatus = { state: 'loading', model: 'a', phase: 'read', progress: 0.5 };
const FAILED: EngineStatus = { state: 'failed', model: 'b', message: 'It is gone.' };
const REMOTE: EngineStatus = {
  state: 'remote',
  model: 'c',
  url: 'http://host/v1',
  kind: 'vllm',
  contextSize: 8192,
  contextFrom: 'server',
  input: [],
  active: 0,
  waiting: 0,
};

const member = (status: EngineStatus, breaker: PoolMemberStatus['breaker'] = 'closed'): PoolMemberStatus => ({
  name: status.model,
  breaker,
  answered: 0,
  failed: 0,
  lastError: 'It broke off.',
  status,
});

async function reasonsFor(...members: readonly PoolMemberStatus[]): Promise<readonly string[]> {
  const status: EngineStatus = { state: 'pool', model: 'a', fallbacks: 0, members };
  const service = new ReadinessService(
    { query: () => Promise.resolve([]) } as unknown as DataSource,
    { status: () => status } as Engine,
    new NoSandboxProvider('None here.'),
    loadConfig({}),
  );
  return (await service.check()).reasons;
}

test('a pool is ready as soon as one member could answer', async () => {
  expect(await reasonsFor(member(LOADING), member(FAILED), member(REMOTE))).toEqual([]);
  expect(await reasonsFor(member(LOADING), member(REMOTE, 'half_open'))).toEqual([]);
});

test('a pool that nobody can answer for says why, for each member', async () => {
  expect(await reasonsFor(member(LOADING), member(FAILED), member(REMOTE, 'open'))).toEqual([
    'The model a is being loaded: read, 50 %.',
    'The model b could not be loaded: It is gone.',
    'c fails and is not asked: It broke off.',
  ]);
});
