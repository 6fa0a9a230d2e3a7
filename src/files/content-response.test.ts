import { describe, expect, it } from 'vitest';
import { planContentResponse } from './content-response.js';

const sha256 = Buffer.alloc(32, 0xab);
const etag = `"${'ab'.repeat(32)}"`;
const file = { name: 'a.html', mimeType: 'text/html', isText: true, bytes: '10', sha256 };

describe('planContentResponse', () => {
  it('gives the whole as an inert attachment', () => {
    const { status, headers, start, end } = planContentResponse({}, file);
    expect({ status, start, end }).toEqual({ status: 200, start: 0, end: 10 });
    expect(headers).toMatchObject({
      etag,
      'accept-ranges': 'bytes',
      'cache-control': 'private, max-age=31536000, immutable',
      'content-length': '10',
      'content-type': 'text/plain; charset=utf-8',
      'content-security-policy': "sandbox; default-src 'none'",
      'x-content-type-options': 'nosniff',
    });
    expect(headers['content-disposition']).toMatch(/^attachment; /);
  });

  it('says 304 to those who have it, before it looks at ranges', () => {
    for (const known of [etag, `W/${etag}`, `"x", ${etag}`, '*']) {
      expect(planContentResponse({ 'if-none-match': known, range: 'bytes=0-1' }, file).status).toBe(304);
    }
    expect(planContentResponse({ 'if-none-match': '"other"' }, file).status).toBe(200);
  });

  it('gives a part, and says 416 with the size where there is none', () => {
    const part = planContentResponse({ range: 'bytes=2-4' }, file);
    expect(part).toMatchObject({ status: 206, start: 2, end: 5 });
    expect(part.headers).toMatchObject({ 'content-range': 'bytes 2-4/10', 'content-length': '3' });
    const none = planContentResponse({ range: 'bytes=10-' }, file);
    expect(none).toMatchObject({ status: 416, headers: { 'content-range': 'bytes */10' } });
  });

  it('gives a part only of the content that If-Range means', () => {
    expect(planContentResponse({ range: 'bytes=2-4', 'if-range': etag }, file).status).toBe(206);
    for (const other of ['"other"', `W/${etag}`, 'Sat, 21 Nov 2026 01:00:00 GMT']) {
      expect(planContentResponse({ range: 'bytes=2-4', 'if-range': other }, file).status).toBe(200);
    }
  });
});
