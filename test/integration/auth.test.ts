import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ApiKeyService } from '../../src/auth/api-key.service.js';
import { Authenticator } from '../../src/auth/authenticator.js';
import { TicketService } from '../../src/auth/ticket.service.js';
import { loadConfig } from '../../src/config/config.js';
import { ObservabilityModule } from '../../src/observability/observability.module.js';
import { SessionsModule } from '../../src/sessions/sessions.module.js';
import { ask, askAsHost, ENVIRONMENT_KEY, startTestApp } from './http-api-app.js';
import type { TestApp } from './http-api-app.js';

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp({
    modules: [ObservabilityModule, SessionsModule],
    environment: { GANTRY_ALLOWED_ORIGINS: 'https://chat.example.org' },
  });
});
afterAll(() => app.close());

function keysWith(environment: Record<string, string>): ApiKeyService {
  return new ApiKeyService(app.dataSource, loadConfig(environment));
}

function handshake(ticket: string) {
  return { upgrade: 'websocket', 'sec-websocket-protocol': `gantry.v1, gantry.ticket.${ticket}` };
}

describe('API keys', () => {
  it('let in by either header and by nothing else', async () => {
    const { alice } = app.keys;
    expect((await ask(app, '/v1/sessions', { key: alice })).status).toBe(200);
    expect((await ask(app, '/v1/sessions', { headers: { 'x-api-key': alice } })).status).toBe(200);
    for (const headers of [
      {},
      { authorization: alice },
      { authorization: `Basic ${alice}` },
      { cookie: `key=${alice}` },
    ]) {
      expect((await ask(app, '/v1/sessions', { headers })).status).toBe(401);
    }
  });

  it('are refused with 401 in the error shape when wrong', async () => {
    const wrong = await ask(app, '/v1/sessions', { key: `gtry_${'A'.repeat(43)}` });
    expect(wrong.status).toBe(401);
    expect(wrong.headers.get('www-authenticate')).toBe('Bearer realm="gantry"');
    expect(wrong.body).toEqual({
      error: {
        message: 'The API key is unknown or revoked.',
        type: 'authentication_error',
        param: null,
        code: 'invalid_api_key',
      },
    });
    expect((await ask(app, '/v1/sessions', { key: 'x'.repeat(8000) })).status).toBe(401);
  });

  it('are refused in a URL, even a right one', async () => {
    for (const name of ['api_key', 'key', 'access_token']) {
      const answer = await ask(app, `/v1/sessions?${name}=${app.keys.alice}`);
      expect(answer.status).toBe(401);
      expect(answer.body).toMatchObject({ error: { code: 'key_in_url', param: name } });
    }
  });

  it('stop working when revoked, with the tickets they made', async () => {
    const keys = app.get(ApiKeyService);
    const { id, key } = await keys.create('carol', 'short-lived');
    const { ticket } = await app.get(TicketService).issue('carol');
    expect(await keys.verify(key)).toEqual({ name: 'carol', keyId: id });
    await keys.revoke(id);
    expect(await keys.verify(key)).toBeUndefined();
    expect((await ask(app, '/v1/sessions', { key })).status).toBe(401);
    expect(await app.get(TicketService).redeem(ticket)).toBeUndefined();
    await expect(keys.revoke('key_unknown')).rejects.toMatchObject({ code: 'not_found' });
  });

  it('are stored as hashes only', async () => {
    const dump = JSON.stringify(
      await app.dataSource.query('SELECT *, encode(hash, $1) FROM api_keys', ['escape']),
    );
    expect(dump).not.toContain(app.keys.alice);
    expect(dump).not.toContain(app.keys.alice.slice(5));
  });

  it('begin with one that is shown once, however many processes start', async () => {
    await app.dataSource.query('UPDATE api_keys SET revoked_at = now() WHERE principal = $1', ['nobody']);
    const before = await app.dataSource.query<{ id: string }[]>(
      'SELECT id FROM api_keys WHERE revoked_at IS NULL',
    );
    const ids = before.map((row) => row.id);
    await app.dataSource.query('UPDATE api_keys SET revoked_at = now() WHERE id = ANY($1)', [ids]);
    try {
      const made = await Promise.all([1, 2, 3, 4].map(() => keysWith({}).ensureFirstKey()));
      const shown = made.filter((first) => first !== undefined);
      expect(shown).toHaveLength(1);
      expect(shown[0]?.key).toMatch(/^gtry_[\w-]{43}$/);
      expect(await keysWith({}).verify(shown[0]?.key ?? '')).toMatchObject({ name: 'owner' });
      expect(await keysWith({}).ensureFirstKey()).toBeUndefined();
    } finally {
      await app.dataSource.query('UPDATE api_keys SET revoked_at = NULL WHERE id = ANY($1)', [ids]);
    }
  });

  it('follow the environment: its key works, its former key does not, and none is shown', async () => {
    const first = keysWith({ GANTRY_API_KEY: ENVIRONMENT_KEY });
    expect(await first.ensureFirstKey()).toBeUndefined();
    expect(await first.ensureFirstKey()).toBeUndefined();
    expect(await first.verify(ENVIRONMENT_KEY)).toMatchObject({ name: 'owner' });
    const changed = keysWith({ GANTRY_API_KEY: 'another-key-of-the-environment' });
    await changed.ensureFirstKey();
    expect(await changed.verify(ENVIRONMENT_KEY)).toBeUndefined();
    await keysWith({}).ensureFirstKey();
    expect(await changed.verify('another-key-of-the-environment')).toBeUndefined();
  });
});

describe('tickets', () => {
  it('speak for who asked, once', async () => {
    const issued = await ask(app, '/v1/ws/tickets', { method: 'POST', key: app.keys.alice });
    expect(issued.status).toBe(201);
    expect(issued.headers.get('cache-control')).toBe('no-store');
    const { ticket } = z.object({ ticket: z.string() }).parse(issued.body);
    const authenticator = app.get(Authenticator);
    const answers = await Promise.all(
      [1, 2, 3, 4, 5].map(() => authenticator.authenticate(handshake(ticket))),
    );
    expect(answers.filter(Boolean)).toEqual([{ name: 'alice', keyId: 'ticket' }]);
    expect(await authenticator.authenticate(handshake(ticket))).toBeUndefined();
  });

  it('expire, and are swept', async () => {
    const tickets = app.get(TicketService);
    const { ticket, expires_at } = await tickets.issue('alice');
    const lifetime = Date.parse(expires_at) - Date.now();
    expect(lifetime).toBeGreaterThan(20_000);
    expect(lifetime).toBeLessThanOrEqual(31_000);
    await app.dataSource.query(`UPDATE ws_tickets SET expires_at = now() - interval '1 second'`);
    expect(await tickets.redeem(ticket)).toBeUndefined();
    await tickets.issue('alice');
    await app.dataSource.query(`UPDATE ws_tickets SET expires_at = now() - interval '1 second'`);
    await tickets.issue('alice');
    const [row] = await app.dataSource.query<{ count: string }[]>('SELECT count(*) FROM ws_tickets');
    expect(Number(row?.count)).toBe(1);
  });

  it('need a key and open no plain request', async () => {
    expect((await ask(app, '/v1/ws/tickets', { method: 'POST' })).status).toBe(401);
    const { ticket } = await app.get(TicketService).issue('alice');
    const headers = { 'sec-websocket-protocol': `gantry.v1, gantry.ticket.${ticket}` };
    expect(await askAsHost(app, '/v1/sessions', headers)).toBe(401);
    expect(await app.get(TicketService).redeem(ticket)).toMatchObject({ name: 'alice' });
  });
});

describe('pages of other origins', () => {
  it('are refused unless listed, whatever key they know', async () => {
    for (const origin of [
      'https://evil.example',
      'null',
      'https://chat.example.org.evil.example',
      'http://chat.example.org',
    ]) {
      const answer = await ask(app, '/v1/sessions', { key: app.keys.alice, headers: { origin } });
      expect(answer.status).toBe(403);
      expect(answer.body).toMatchObject({ error: { type: 'permission_error', code: 'origin_not_allowed' } });
      expect(answer.headers.get('access-control-allow-origin')).toBeNull();
    }
  });

  it('may ask when listed, and pages of this server always', async () => {
    const listed = await ask(app, '/v1/sessions', {
      key: app.keys.alice,
      headers: { origin: 'https://chat.example.org' },
    });
    expect(listed.status).toBe(200);
    expect(listed.headers.get('access-control-allow-origin')).toBe('https://chat.example.org');
    expect(listed.headers.get('access-control-allow-credentials')).toBeNull();
    expect(
      (await ask(app, '/v1/sessions', { key: app.keys.alice, headers: { origin: app.url } })).status,
    ).toBe(200);
  });

  it('get their preflight answered only when listed', async () => {
    const preflight = (origin: string) =>
      ask(app, '/v1/sessions', {
        method: 'OPTIONS',
        headers: {
          origin,
          'access-control-request-method': 'POST',
          'access-control-request-headers': 'authorization, idempotency-key, x-stainless-os',
        },
      });
    const listed = await preflight('https://chat.example.org');
    expect(listed.status).toBe(204);
    expect(listed.headers.get('access-control-allow-headers')).toBe(
      'authorization, idempotency-key, x-stainless-os',
    );
    expect(listed.headers.get('vary')).toContain('access-control-request-headers');
    expect((await preflight('https://evil.example')).status).toBe(403);
  });

  it('cannot rebind their name to loopback', async () => {
    const { port } = new URL(app.url);
    const authorization = `Bearer ${app.keys.alice}`;
    for (const host of [
      `evil.example:${port}`,
      'evil.example',
      '127.0.0.1.evil.example',
      'localhost@evil.example',
    ]) {
      expect(await askAsHost(app, '/health', { host })).toBe(403);
      expect(await askAsHost(app, '/v1/sessions', { host, authorization, origin: `http://${host}` })).toBe(
        403,
      );
    }
    for (const host of [
      `127.0.0.1:${port}`,
      `localhost:${port}`,
      `LOCALHOST:${port}`,
      '[::1]',
      'chat.example.org',
    ]) {
      expect(await askAsHost(app, '/v1/sessions', { host, authorization })).toBe(200);
    }
  });
});

describe('health', () => {
  it('needs no key', async () => {
    expect(await ask(app, '/health')).toMatchObject({ status: 200, body: { status: 'ok' } });
  });

  it('says why a message cannot be worked, without telling paths', async () => {
    app.engine.current = { state: 'failed', model: 'broken', message: 'not a GGUF file' };
    const failed = await ask(app, '/ready');
    expect(failed.status).toBe(503);
    expect(failed.body).toMatchObject({
      ready: false,
      reasons: ['The model broken could not be loaded: not a GGUF file'],
      database: 'ok',
      sandbox: { provider: 'none', available: false },
      worker: 'on',
    });
    app.engine.current = {
      state: 'ready',
      model: 'demo',
      path: '/secret/place/demo.gguf',
      contextSize: 4096,
      nativeContextSize: 4096,
      device: 'cpu',
      gpuLayers: 0,
      threads: 2,
      sequences: 1,
      cacheType: 'f16',
      flashAttention: false,
      memoryBytes: 1,
      batchSize: 512,
      toolCalls: true,
      reasoning: true,
      card: {
        title: null,
        quantization: null,
        sampling: { temperature: 0, top_p: 1, top_k: 0, min_p: 0 },
        reasoningStyle: null,
        reasoningAlwaysOn: false,
        preservesThinking: false,
      },
      hostPid: 1,
    };
    const ready = await ask(app, '/ready');
    expect(ready).toMatchObject({ status: 200, body: { ready: true, reasons: [] } });
    expect(JSON.stringify(ready.body)).not.toContain('/secret/place');
  });
});
