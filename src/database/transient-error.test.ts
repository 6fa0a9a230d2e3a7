import {
  QueryFailedError,
  QueryRunnerAlreadyReleasedError,
  QueryRunnerProviderAlreadyReleasedError,
} from 'typeorm';
import { expect, test } from 'vitest';
import { isTransientDatabaseError } from './transient-error.js';

function failed(code: string): Error {
  return new QueryFailedError('SELECT 1', [], Object.assign(new Error('said by the database'), { code }));
}

function ofSystem(code: string, syscall: string): Error {
  return Object.assign(new Error(`${syscall} ${code}`), { code, syscall });
}

test.each([
  ['a connection that broke', failed('08006')],
  ['a server that stops', failed('57P01')],
  ['a deadlock', failed('40P01')],
  ['a socket that was reset', Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' })],
  ['a name that is not found', ofSystem('ENOTFOUND', 'getaddrinfo')],
  ['a resolver that does not answer', ofSystem('EAI_AGAIN', 'getaddrinfo')],
  ['an address without a route', ofSystem('EHOSTUNREACH', 'connect')],
  ['a network without a route', ofSystem('ENETUNREACH', 'connect')],
  ['a host that is down', ofSystem('EHOSTDOWN', 'connect')],
  ['a socket file that is not there', ofSystem('ENOENT', 'connect')],
  ['what pg says without a code', new Error('Connection terminated unexpectedly')],
  ['the next query of a transaction whose connection broke', new QueryRunnerAlreadyReleasedError()],
  ['a manager whose connection broke', new QueryRunnerProviderAlreadyReleasedError()],
  ['a cause', new Error('could not commit', { cause: failed('57P01') })],
])('%s may pass later', (_what, error) => {
  expect(isTransientDatabaseError(error)).toBe(true);
});

test.each([
  ['a row that is there already', failed('23505')],
  ['a mistake in a query', failed('42601')],
  ['a file that is not there', ofSystem('ENOENT', 'open')],
  ['any other error', new Error('no')],
  ['what is no error', 'Connection terminated'],
])('%s will not', (_what, error) => {
  expect(isTransientDatabaseError(error)).toBe(false);
});
