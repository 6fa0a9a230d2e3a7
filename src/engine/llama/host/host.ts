import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../../../errors.js';
import { PROTOCOL_VERSION, toHost, type FromHost, type LoadSettings, type ToHost } from '../protocol.js';
import { LoadRefused } from './check-model-file.js';
import { runGeneration } from './generation.js';
import { loadModel, type LoadedModel } from './load-model.js';
import { Outbox } from './outbox.js';
import { refusalOf } from './refuse-request.js';

/**
 * The process that holds the model. A crash in native code, a decode that hangs or a lack of
 * memory ends this process and nothing else. It lives as long as its channel to the server.
 */
interface Job {
  readonly outbox: Outbox;
  readonly abort: AbortController;
  finished: boolean;
}

const LAST_WORDS_MS = 300;

const jobs = new Map<number, Job>();
let loaded: LoadedModel | undefined;

function send(message: FromHost): void {
  if (process.connected) process.send?.(message);
}

async function load(version: number, settings: LoadSettings): Promise<void> {
  if (version !== PROTOCOL_VERSION) {
    send({ type: 'load_failed', message: `The host speaks version ${PROTOCOL_VERSION}, not ${version}.` });
    return;
  }
  try {
    loaded = await loadModel(settings, send);
    send({ type: 'loaded', model: loaded.facts });
  } catch (error) {
    const hint = error instanceof LoadRefused ? { hint: error.hint } : {};
    // Why llama.cpp gave up is in its log, which the library hands over a moment after it throws.
    if (!(error instanceof LoadRefused)) await delay(LAST_WORDS_MS);
    send({ type: 'load_failed', message: messageOf(error), ...hint });
  }
}

async function generate({ id, request }: Extract<ToHost, { type: 'generate' }>): Promise<void> {
  const job: Job = { outbox: new Outbox(id, send), abort: new AbortController(), finished: false };
  jobs.set(id, job);
  if (loaded === undefined) {
    job.outbox.push({ type: 'error', code: 'overloaded', message: 'The model is not loaded yet.' });
  } else {
    await runGeneration(loaded, request, (event) => job.outbox.push(event), job.abort.signal);
  }
  job.finished = true;
  forgetIfDone(id, job);
}

/** A finished job stays while its last events wait for credit. */
function forgetIfDone(id: number, job: Job): void {
  if (job.finished && job.outbox.empty) jobs.delete(id);
}

function addCredit(id: number, batches: number): void {
  const job = jobs.get(id);
  if (job === undefined) return;
  job.outbox.addCredit(batches);
  forgetIfDone(id, job);
}

function count({ id, messages, tools }: Extract<ToHost, { type: 'count' }>): void {
  try {
    if (loaded === undefined) throw new Error('The model is not loaded yet.');
    const prompt = loaded.template.render({ messages, tools });
    send({ type: 'counted', id, tokens: prompt.tokenize(loaded.model.tokenizer, 'trimLeadingSpace').length });
  } catch (error) {
    send({ type: 'count_failed', id, message: messageOf(error) });
  }
}

function takeVectors(question: Extract<ToHost, { type: 'embed' | 'rank' }>): void {
  if (loaded !== undefined) void loaded.vectors.take(question);
  else {
    const message = 'The model is not loaded yet.';
    send({ type: 'vectors_failed', id: question.id, code: 'overloaded', message });
  }
}

/** Whoever asked waits for a bounded time, then kills. */
async function leave(): Promise<void> {
  await loaded?.shelf?.close();
  process.exit(0);
}

function take(raw: unknown): void {
  const { success, data, error } = toHost.safeParse(raw);
  if (success) {
    receive(data);
    return;
  }
  const refusal = refusalOf(raw, error);
  if (refusal === undefined) throw error;
  send(refusal);
}

function receive(message: ToHost): void {
  switch (message.type) {
    case 'load':
      void load(message.version, message.settings);
      return;
    case 'generate':
      void generate(message);
      return;
    case 'credit':
      addCredit(message.id, message.batches);
      return;
    case 'cancel':
      jobs.get(message.id)?.abort.abort();
      loaded?.vectors.cancel(message.id);
      return;
    case 'count':
      count(message);
      return;
    case 'embed':
    case 'rank':
      takeVectors(message);
      return;
    case 'forget':
      loaded?.pool.forget(message.sessionId);
      void loaded?.shelf?.drop(message.sessionId);
      return;
    case 'ping':
      send({ type: 'pong' });
      return;
    default:
      message satisfies never;
  }
}

process.on('message', take);
process.on('disconnect', () => void leave());
process.on('SIGTERM', () => void leave());
// An interrupt from the keyboard reaches the whole group; it is the server's to act on.
process.on('SIGINT', () => undefined);
send({ type: 'hello', version: PROTOCOL_VERSION });
