import { HttpException, NotFoundException } from '@nestjs/common';
import { QueryFailedError } from 'typeorm';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { DomainError } from '../errors.js';
import type { DomainErrorCode } from '../errors.js';
import { toWireError } from './wire-error.js';

function queryFailed(code: string): QueryFailedError {
  return new QueryFailedError('SELECT secret', [], Object.assign(new Error('relation secret'), { code }));
}

describe('toWireError', () => {
  it.each<[DomainErrorCode, number, string]>([
    ['invalid_request', 400, 'invalid_request_error'],
    ['unauthenticated', 401, 'authentication_error'],
    ['forbidden', 403, 'permission_error'],
    ['not_found', 404, 'not_found_error'],
    ['conflict', 409, 'conflict_error'],
    ['too_large', 413, 'invalid_request_error'],
    ['rate_limited', 429, 'rate_limit_error'],
    ['internal', 500, 'api_error'],
    ['unavailable', 503, 'api_error'],
    ['storage_full', 507, 'api_error'],
  ])('maps %s to %i', (code, status, type) => {
    const failure = toWireError(new DomainError(code, 'words', { reason: 'a_reason', param: 'field' }));
    expect(failure).toMatchObject({ status, body: { type } });
    if (code === 'internal') expect(JSON.stringify(failure)).not.toContain('words');
    else expect(failure.body).toEqual({ message: 'words', type, code: 'a_reason', param: 'field' });
  });

  it('answers a full server with 429 and when to come back', () => {
    const details = { used: 1, queued: 0, maximum: 1, retryAfterMs: 60_000 };
    const full = new DomainError('rate_limited', 'All are in use.', {
      reason: 'sandboxes_exhausted',
      details,
    });
    expect(toWireError(full)).toEqual({
      status: 429,
      body: {
        type: 'rate_limit_error',
        code: 'sandboxes_exhausted',
        message: 'All are in use.',
        param: null,
      },
      headers: { 'retry-after': '60' },
    });
  });

  it('says when to come back', () => {
    const limited = new DomainError('rate_limited', 'slow down', { details: { retryAfterMs: 4100 } });
    expect(toWireError(limited).headers).toEqual({ 'retry-after': '5' });
    expect(toWireError(new DomainError('unavailable', 'later')).headers).toEqual({ 'retry-after': '2' });
    expect(toWireError(new DomainError('conflict', 'no')).headers).toEqual({});
  });

  it.each<[string, number]>([
    ['57P01', 503],
    ['08006', 503],
    ['53300', 503],
    ['53100', 507],
    ['22021', 400],
    ['23503', 409],
    ['42P01', 500],
    ['23505', 500],
  ])('maps the SQLSTATE %s to %i and tells nothing of the statement', (state, status) => {
    const failure = toWireError(queryFailed(state));
    expect(failure.status).toBe(status);
    expect(JSON.stringify(failure)).not.toContain('secret');
  });

  it('says nothing of what it does not know', () => {
    for (const thrown of [
      new Error('secret'),
      'secret',
      { secret: 1 },
      null,
      undefined,
      new HttpException('secret', 500),
    ]) {
      expect(toWireError(thrown).status).toBe(500);
      expect(JSON.stringify(toWireError(thrown))).not.toContain('secret');
    }
  });

  it('keeps what Nest says of a request', () => {
    expect(toWireError(new NotFoundException('no route'))).toMatchObject({
      status: 404,
      body: { message: 'no route' },
    });
  });

  it('names the field at fault and what was expected', () => {
    const schema = z.strictObject({
      name: z.string(),
      list: z.array(z.strictObject({ size: z.int() })),
      either: z.union([z.string(), z.strictObject({ deep: z.int() })]).optional(),
    });
    const bodyOf = (value: unknown) => toWireError(schema.safeParse(value).error).body;
    expect(bodyOf({ list: [] })).toMatchObject({
      param: 'name',
      message: '`name`: expected string, received undefined.',
    });
    expect(bodyOf({ name: '', list: [{ size: 'big' }] }).param).toBe('list[0].size');
    expect(bodyOf({ name: '', list: [{ size: 1, color: 2 }] })).toMatchObject({
      param: 'list[0].color',
      code: 'unknown_field',
    });
    expect(bodyOf({ name: '', list: [], either: { deep: 'x' } }).param).toBe('either.deep');
    expect(bodyOf(7).param).toBeNull();
    const many = bodyOf({ name: 1, list: Array.from({ length: 5000 }, () => ({ size: 'x' })) });
    expect(many.message).toContain('And 4998 more.');
    expect(many.message.length).toBeLessThan(1100);
  });
});
