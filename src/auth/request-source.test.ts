import { describe, expect, it } from 'vitest';
import { refuseSource } from './request-source.js';

const local = { host: '127.0.0.1', allowedOrigins: ['https://chat.example.org'] };
const open = { host: '0.0.0.0', allowedOrigins: [] };

describe('refuseSource', () => {
  it.each([
    [{ host: 'localhost:8080' }, local],
    [{ host: '127.0.0.1:8080', origin: 'http://127.0.0.1:8080' }, local],
    [{ host: '127.9.9.9' }, local],
    [{ host: '[::1]:8080' }, local],
    [{ host: 'chat.example.org', origin: 'https://chat.example.org' }, local],
    [{ host: 'localhost:8080', origin: 'https://chat.example.org' }, local],
    [{ host: 'gantry.lan:8080' }, open],
    [{ host: 'gantry.lan:8080', origin: 'http://gantry.lan:8080' }, open],
    [{ host: 'gantry.lan', origin: 'https://gantry.lan' }, open],
  ])('lets %o through', (headers, policy) => {
    expect(refuseSource(headers, policy)).toBeUndefined();
  });

  it.each([
    [{}, local, 'host_not_allowed'],
    [{ host: '' }, local, 'host_not_allowed'],
    [{ host: 'rebound.example:8080', origin: 'http://rebound.example:8080' }, local, 'host_not_allowed'],
    [{ host: '127.0.0.1.rebound.example' }, local, 'host_not_allowed'],
    [{ host: 'localhost.rebound.example' }, local, 'host_not_allowed'],
    [{ host: 'x@localhost' }, local, 'host_not_allowed'],
    [{ host: 'rebound.example/@localhost' }, local, 'host_not_allowed'],
    [{ host: 'localhost:8080', origin: 'http://rebound.example' }, local, 'origin_not_allowed'],
    [{ host: 'localhost:8080', origin: 'http://localhost:3000' }, local, 'origin_not_allowed'],
    [{ host: 'localhost:8080', origin: 'null' }, local, 'origin_not_allowed'],
    [{ host: 'localhost:8080', origin: 'file://localhost:8080' }, local, 'origin_not_allowed'],
    [{ host: 'gantry.lan', origin: 'http://rebound.example' }, open, 'origin_not_allowed'],
  ])('refuses %o', (headers, policy, reason) => {
    expect(refuseSource(headers, policy)).toMatchObject({ code: 'forbidden', reason });
  });
});
