import { existsSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { ModelHub, sha256Of } from '../support/model-hub.js';
import {
  CONTENT,
  OTHER,
  content,
  freshHubForEachTest,
  hub,
  part,
  pull,
  target,
} from './model-download-scene.js';

freshHubForEachTest();

describe('a hub that lies', () => {
  test('about the checksum: nothing of it is kept', async () => {
    hub.files.set('m-Q4_K_M.gguf', { content: CONTENT, listed: { sha256: sha256Of(OTHER) } });
    await expect(pull()).rejects.toMatchObject({ code: 'checksum_mismatch' });
    expect(existsSync(target())).toBe(false);
    expect(existsSync(part())).toBe(false);
  });

  test.each([
    ['less', 299_000],
    ['more', 301_000],
  ])('about the size, which is %s', async (_, bytes) => {
    hub.files.set('m-Q4_K_M.gguf', { content: CONTENT, listed: { bytes, sha256: sha256Of(CONTENT) } });
    await expect(pull()).rejects.toMatchObject({ code: 'size_mismatch' });
    hub.answers.push({ endless: true }, { endless: true }, { endless: true }, { endless: true });
    await expect(pull()).rejects.toMatchObject({
      code: expect.stringMatching(/size_mismatch|hub_unreachable/),
    });
    expect(existsSync(target())).toBe(false);
  });

  test('about paths: what would leave the folder is not there', async () => {
    for (const path of [
      '../evil-Q8_0.gguf',
      '/etc/evil-Q8_0.gguf',
      'a/../../evil-Q8_0.gguf',
      '.ssh/evil-Q8_0.gguf',
    ])
      hub.files.set(path, { content: OTHER });
    await expect(pull('hf:o/r:Q8_0')).rejects.toMatchObject({
      code: 'unknown_variant',
      message: expect.not.stringContaining('evil'),
    });
  });

  test.each(['no json', '{"error":"x"}', '[{"type":"file","path":"m.gguf","size":-1}]'])(
    'with a list that is none: %s',
    async (text) => {
      hub.listAnswers.push({ content: Buffer.from(text) });
      await expect(pull()).rejects.toMatchObject({ code: 'hub_answer' });
    },
  );

  test('with an encoding that nobody asked for', async () => {
    hub.answers.push({ headers: { 'content-encoding': 'br' } });
    await expect(pull()).rejects.toMatchObject({ code: 'hub_answer' });
  });
});

describe('a hub that refuses', () => {
  test.each([
    [401, 'unauthorized'],
    [403, 'unauthorized'],
    [404, 'not_found'],
  ])('%i is final: %s', async (status, code) => {
    hub.listAnswers.push({ status });
    await expect(pull()).rejects.toMatchObject({ code });
    expect(hub.requests).toHaveLength(1);
    hub.answers.push({ status });
    await expect(pull()).rejects.toMatchObject({ code });
    expect(hub.contentRequests).toHaveLength(1);
  });

  test.each([429, 500, 503])('%i is tried again', async (status) => {
    hub.listAnswers.push({ status, headers: { 'retry-after': '0' } });
    hub.answers.push({ status }, { dropAfter: 500 }, { status });
    await pull();
    expect(await content()).toEqual(CONTENT);
  });

  test('is given up in the end, and nobody is left waiting', async () => {
    hub.listAnswers.push(...Array.from({ length: 9 }, () => ({ status: 500 })));
    await expect(pull()).rejects.toMatchObject({ code: 'hub_answer' });
    expect(hub.requests).toHaveLength(3);
  });
});

describe('the token', () => {
  const token = 'hf_secret';

  test('goes to the hub and not to where it redirects, also not on the way back', async () => {
    const elsewhere = await ModelHub.start();
    elsewhere.files.set('m-Q4_K_M.gguf', { content: CONTENT });
    const place = '/o/r/resolve/main/m-Q4_K_M.gguf';
    hub.answers.push({ status: 302, headers: { location: `${elsewhere.endpoint}${place}` } });
    elsewhere.answers.push({ status: 302, headers: { location: `${hub.endpoint}${place}` } });
    try {
      await pull('hf:o/r', { hub: { endpoint: `${hub.endpoint}/`, token } });
      expect(elsewhere.requests.map(({ authorization }) => authorization)).toEqual([undefined]);
      expect(hub.requests.map(({ authorization }) => authorization)).toEqual([
        `Bearer ${token}`,
        `Bearer ${token}`,
        undefined,
      ]);
      expect(await content()).toEqual(CONTENT);
    } finally {
      await elsewhere.stop();
    }
  });

  test.each(['file:///etc/passwd', 'gopher://x/', 'http://[bad'])(
    'a redirect to %s is refused',
    async (location) => {
      hub.answers.push({ status: 302, headers: { location } });
      await expect(pull('hf:o/r', { hub: { endpoint: hub.endpoint, token } })).rejects.toMatchObject({
        code: 'hub_answer',
      });
    },
  );

  test('redirects without end have one', async () => {
    hub.answers.push(...Array.from({ length: 9 }, () => ({ status: 302, headers: { location: '/again' } })));
    await expect(pull()).rejects.toMatchObject({
      code: 'hub_answer',
      message: expect.stringContaining('5 times'),
    });
  });
});
