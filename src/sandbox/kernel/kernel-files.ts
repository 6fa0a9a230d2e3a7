import { DomainError, type DomainErrorCode } from '../../errors.js';
import type { FileChange, FileStat, WriteOptions } from '../sandbox.js';
import { FrameError } from './frame-codec.js';
import type { KernelAnswer, KernelConnection } from './kernel-connection.js';
import type { KernelDone, KernelRefusal } from './kernel-messages.js';

const CHUNK_BYTES = 256 * 1024;
/** What the kernel sends before it is asked for more; sandboxes/kernel/gantry_kernel/file_requests.py has the same. */
const READ_AHEAD_CHUNKS = 4;

const CODES: Readonly<Record<KernelRefusal['code'], DomainErrorCode>> = {
  not_found: 'not_found',
  refused: 'invalid_request',
  invalid_path: 'invalid_request',
  invalid_request: 'invalid_request',
  too_large: 'too_large',
  storage_full: 'storage_full',
  unavailable: 'unavailable',
};

function lostError(connection: KernelConnection): DomainError {
  return new DomainError(
    'unavailable',
    `The sandbox is gone: ${connection.lostBecause ?? 'unknown reason'}.`,
    {
      reason: 'sandbox_lost',
    },
  );
}

function done(answer: KernelAnswer): KernelDone {
  if (answer.type === 'done') return answer;
  if (answer.type === 'refused') {
    throw new DomainError(CODES[answer.code], answer.message, { reason: `file_${answer.code}` });
  }
  throw new DomainError('internal', 'The sandbox answered a file request as if it were a call.');
}

async function ask(
  connection: KernelConnection,
  message: Readonly<Record<string, unknown>>,
  onSent: (id: number) => Promise<void> = async () => undefined,
): Promise<KernelDone> {
  const { promise, resolve } = Promise.withResolvers<KernelAnswer | undefined>();
  const id = connection.request(message, {
    frame: () => undefined,
    answer: resolve,
    lost: () => resolve(undefined),
  });
  try {
    await onSent(id);
  } catch (error) {
    connection.forget(id);
    connection.tell(id, 'cancel');
    throw error;
  }
  const answer = await promise;
  if (answer === undefined) throw lostError(connection);
  return done(answer);
}

export async function listFiles(connection: KernelConnection): Promise<readonly FileStat[]> {
  return (await ask(connection, { op: 'list' })).files ?? [];
}

export async function pendingChanges(connection: KernelConnection): Promise<readonly FileChange[]> {
  return (await ask(connection, { op: 'pending' })).changes ?? [];
}

export async function removeFile(connection: KernelConnection, path: string): Promise<void> {
  await ask(connection, { op: 'remove', path });
}

export async function writeFile(
  connection: KernelConnection,
  path: string,
  data: AsyncIterable<Uint8Array> | Uint8Array,
  { executable = false, signal }: WriteOptions = {},
): Promise<void> {
  await ask(connection, { op: 'write', path, executable }, async (id) => {
    for await (const piece of data instanceof Uint8Array ? [data] : data) {
      for (let start = 0; start < piece.length; start += CHUNK_BYTES) {
        signal?.throwIfAborted();
        await connection.sendData(id, piece.subarray(start, start + CHUNK_BYTES));
      }
    }
    await connection.sendData(id, new Uint8Array());
  });
}

/**
 * The kernel reads a few chunks ahead and sends another for each one taken: a slow reader holds little. A kernel that
 * sends more than that, or than `maxBytes`, loses its connection.
 */
export async function* readFile(
  connection: KernelConnection,
  path: string,
  maxBytes: number,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let credit = READ_AHEAD_CHUNKS;
  let room = maxBytes;
  let ended: { readonly answer: KernelAnswer | undefined } | undefined;
  let wake = Promise.withResolvers<void>();
  const id = connection.request(
    { op: 'read', path, maxBytes },
    {
      frame: (kind, body) => {
        if (kind !== 'data') return;
        credit -= 1;
        room -= body.length;
        if (credit < 0 || room < 0) throw new FrameError('more of a file than was asked for');
        chunks.push(Uint8Array.from(body));
        wake.resolve();
      },
      answer: (answer) => {
        ended = { answer };
        wake.resolve();
      },
      lost: () => {
        ended = { answer: undefined };
        wake.resolve();
      },
    },
  );
  try {
    for (;;) {
      signal?.throwIfAborted();
      const chunk = chunks.shift();
      if (chunk !== undefined) {
        yield chunk;
        credit += 1;
        if (ended === undefined) connection.tell(id, 'more');
        continue;
      }
      if (ended !== undefined) break;
      await wake.promise;
      wake = Promise.withResolvers<void>();
    }
  } finally {
    connection.forget(id);
    if (ended === undefined) connection.tell(id, 'cancel');
  }
  if (ended.answer === undefined) throw lostError(connection);
  done(ended.answer);
}
