import { describe, expect, test } from 'vitest';
import { DomainError } from '../errors.js';
import { shakeHands } from './handshake.js';
import type { HandshakePolicy } from './handshake.js';

const GOOD = {
  host: '127.0.0.1:8080',
  upgrade: 'websocket',
  'sec-websocket-version': '13',
  'sec-websocket-protocol': 'gantry.v1',
  authorization: 'Bearer good',
};

let asked = 0;
const policy: HandshakePolicy = {
  source: { host: '127.0.0.1', allowedOrigins: ['https://chat.example.org'] },
  authenticate: async (headers) => {
    asked += 1;
    return headers.authorization === 'Bearer good' ? { name: 'owner', keyId: 'key_1' } : undefined;
  },
};

async function statusOf(headers: Record<string, string | undefined>, method = 'GET') {
  asked = 0;
  const outcome = await shakeHands({ method, headers: { ...GOOD, ...headers } }, policy);
  if (outcome.admitted) return { status: 101, code: null };
  const { error } = JSON.parse(outcome.refusal.body) as { error: { code: string } };
  return { status: outcome.refusal.status, code: error.code };
}

describe('shakeHands', () => {
  test.each([
    [{}, 101, null],
    [{ origin: 'http://127.0.0.1:8080' }, 101, null],
    [{ origin: 'https://chat.example.org' }, 101, null],
    [{ 'sec-websocket-protocol': 'other, gantry.v1' }, 101, null],
    [{ authorization: undefined }, 401, 'missing_api_key'],
    [{ authorization: 'Bearer bad' }, 401, 'invalid_api_key'],
    [
      { authorization: undefined, 'sec-websocket-protocol': 'gantry.v1, gantry.ticket.x' },
      401,
      'invalid_ticket',
    ],
    [{ origin: 'https://evil.example' }, 403, 'origin_not_allowed'],
    [{ origin: 'null' }, 403, 'origin_not_allowed'],
    [{ origin: 'https://chat.example.org.evil.example' }, 403, 'origin_not_allowed'],
    [{ host: 'evil.example', origin: 'http://evil.example' }, 403, 'host_not_allowed'],
    [{ 'sec-websocket-protocol': undefined }, 400, 'subprotocol_required'],
    [{ 'sec-websocket-protocol': 'gantry.v2' }, 400, 'subprotocol_required'],
    [{ 'sec-websocket-version': '8' }, 426, 'upgrade_required'],
    [{ upgrade: 'h2c' }, 426, 'upgrade_required'],
  ])('%j: %i %s', async (headers, status, code) => {
    expect(await statusOf(headers)).toEqual({ status, code });
  });

  test('a request that fails anyway does not use up its ticket', async () => {
    await statusOf({ origin: 'https://evil.example' });
    expect(asked).toBe(0);
    await statusOf({ 'sec-websocket-protocol': 'gantry.ticket.x' });
    expect(asked).toBe(0);
  });

  test('a database that is away is 503, and nothing of it is told', async () => {
    const outcome = await shakeHands(
      { method: 'GET', headers: GOOD },
      { ...policy, authenticate: () => Promise.reject(new DomainError('unavailable', 'Later.')) },
    );
    expect(outcome).toMatchObject({ admitted: false, refusal: { status: 503 } });
    const broken = await shakeHands(
      { method: 'GET', headers: GOOD },
      { ...policy, authenticate: () => Promise.reject(new Error('password of postgres')) },
    );
    expect(JSON.stringify(broken)).not.toContain('password');
    expect(broken).toMatchObject({ admitted: false, refusal: { status: 500 } });
  });
});
