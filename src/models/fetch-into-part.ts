import type { HubAnswer } from './hub-answer.js';
import { hubFetch, type HubAccess } from './hub-request.js';
import { IdleWatch } from './idle-watch.js';
import { ModelError } from './model-error.js';
import type { PartFile } from './part-file.js';
import { failedAnswer, TransientFailure } from './transient-failure.js';

export interface FetchSource {
  readonly hub: HubAccess;
  readonly url: string;
  /** The size that the hub's list tells. */
  readonly size: number;
  /** What messages call it. */
  readonly name: string;
  /** An answer in which nothing comes for this long is given up. */
  readonly idleMs: number;
}

/** One request for what is missing of a part. Returns when all is there; throws TransientFailure where it is not, ModelError, or the error of the connection. */
export async function fetchIntoPart(
  part: PartFile,
  source: FetchSource,
  signal: AbortSignal,
  onBytes: (count: number) => void,
): Promise<void> {
  if (part.bytes === source.size) return;
  using watch = new IdleWatch(source.idleMs, signal);
  try {
    const answer = await hubFetch(source.hub, {
      url: source.url,
      headers: rangeHeaders(part),
      signal: watch.signal,
    });
    await readAnswer(part, source, answer, (count) => {
      watch.touch();
      onBytes(count);
    });
  } catch (error) {
    // The connection only says that it was ended; the watch knows why.
    watch.signal.throwIfAborted();
    throw error;
  }
}

async function readAnswer(
  part: PartFile,
  source: FetchSource,
  answer: HubAnswer,
  onBytes: (count: number) => void,
): Promise<void> {
  try {
    await acceptAnswer(part, source, answer);
    for await (const chunk of answer) {
      if (part.bytes + chunk.length > source.size) throw wrongSize(source, `more than ${source.size}`);
      await part.append(chunk);
      onBytes(chunk.length);
    }
  } finally {
    answer.discard();
  }
  if (part.bytes < source.size) {
    throw transient(`The connection ended at byte ${part.bytes} of ${source.size} of ${source.name}`);
  }
}

function rangeHeaders({ bytes, etag }: PartFile): Record<string, string> {
  if (bytes === 0) return {};
  return { range: `bytes=${bytes}-`, ...(etag === undefined ? {} : { 'if-range': etag }) };
}

/** Judges the head of an answer; afterwards its body begins where the part ends. */
async function acceptAnswer(part: PartFile, source: FetchSource, answer: HubAnswer): Promise<void> {
  if ((answer.header('content-encoding') ?? 'identity') !== 'identity') {
    throw new ModelError('hub_answer', `The hub sends ${source.name} in an encoding nobody asked for.`);
  }
  switch (answer.status) {
    case 200: {
      // Asked for the rest or not: this is the whole file, or another one than the part is of.
      const length = answer.header('content-length');
      if (length !== undefined && Number(length) !== source.size) throw wrongSize(source, length);
      await part.restart(strongTag(answer));
      return;
    }
    case 206:
      await acceptRest(part, source, answer);
      return;
    case 416:
      await part.restart(undefined);
      throw transient(`The hub has no such part of ${source.name}`);
    default:
      throw failedAnswer(answer, source.name);
  }
}

async function acceptRest(part: PartFile, source: FetchSource, answer: HubAnswer): Promise<void> {
  const range = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(answer.header('content-range') ?? '');
  const [, from, total = '*'] = range ?? [];
  if (total !== '*' && Number(total) !== source.size) throw wrongSize(source, total);
  const tag = strongTag(answer);
  const isOther = part.etag !== undefined && tag !== undefined && tag !== part.etag;
  if (Number(from) === part.bytes && !isOther) return;
  await part.restart(undefined);
  throw transient(`${source.name} changed on the hub while it was fetched`);
}

function strongTag(answer: HubAnswer): string | undefined {
  const tag = answer.header('etag');
  return tag !== undefined && /^"[^"]*"$/.test(tag) ? tag : undefined;
}

function wrongSize({ name, size }: FetchSource, sent: string): ModelError {
  return new ModelError(
    'size_mismatch',
    `${name} has ${size} bytes in the hub's list, and the hub sends ${sent}.`,
    'It may just have been replaced there: ask again. If it stays so, the hub or what is between is at fault.',
  );
}

function transient(message: string): TransientFailure {
  return new TransientFailure(
    new ModelError('hub_unreachable', `${message}.`, 'Ask again: it goes on where it stopped.'),
  );
}
