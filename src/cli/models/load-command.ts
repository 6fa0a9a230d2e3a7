import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { GantryClientError } from '../../client/client-error.js';
import type { LoadedModel, LoadModel, ModelsApi } from '../../client/models-api.js';
import { LOAD_MODES, type LoadMode } from '../../engine/load-mode.js';
import { messageOf } from '../../errors.js';
import { addConnectOptions, clientOf, type ConnectOptions, UsageError } from '../connect-options.js';
import { plainLine } from '../terminal-text.js';
import { barLoadReport, lineLoadReport, type LoadReport } from './load-report.js';
import { sizeText } from './sizes.js';

const LOOK_EVERY_MS = 300;
const INTERRUPTED = 130;

interface LoadOptions extends ConnectOptions {
  readonly context?: number;
  readonly kvType?: string;
  readonly parallel?: number;
  readonly gpuLayers?: number;
  readonly threads?: number;
  readonly batch?: number;
  readonly loadMode?: LoadMode;
  readonly template?: string;
  readonly reload?: true;
  readonly force?: true;
}

export function addLoadCommand(models: Command): void {
  addConnectOptions(models.command('load <name>'))
    .description('have the server load a model: demo, a name of its list, or hf:owner/repo[:quantization]')
    .option('--context <tokens>', 'tokens of one conversation; 0: what fits', wholeNumber)
    .option('--kv-type <type>', 'type of the KV cache, e.g. q8_0')
    .option('--parallel <sessions>', 'sessions that generate at once', wholeNumber)
    .option('--gpu-layers <layers>', 'layers on the GPU; -1: all', wholeNumber)
    .option('--threads <threads>', 'threads for inference', wholeNumber)
    .option('--batch <tokens>', 'tokens that are evaluated at once', wholeNumber)
    .addOption(new Option('--load-mode <mode>', 'how the file comes into memory').choices(LOAD_MODES))
    .option('--template <file>', "a Jinja template in place of the model's own")
    .option('--reload', 'also if it is loaded like that already')
    .option('--force', 'end what the model is working on')
    .action(load);
}

async function load(name: string, flags: LoadOptions): Promise<void> {
  const { models } = clientOf(flags);
  const request = { ...(await requestOf(name, flags)), load_request_id: `cli-${randomUUID()}` };
  const report = reportFor(process.stderr);
  const ended = new AbortController();
  const watching = watch(models, name, report, ended.signal);
  let isInterrupted = false;
  const onInterrupt = (): void => {
    isInterrupted = true;
    models.cancelLoad(request.load_request_id).catch(() => undefined);
  };
  process.once('SIGINT', onInterrupt).once('SIGTERM', onInterrupt);
  try {
    const model = await loadWhole(models, request);
    ended.abort();
    await watching;
    report.end();
    process.stdout.write(`${describe(model)}\n`);
  } catch (error) {
    ended.abort();
    await watching;
    report.end();
    if (!isInterrupted) throw error;
    process.stderr.write('Stopped: the model is not loaded.\n');
    process.exitCode = INTERRUPTED;
  } finally {
    process.off('SIGINT', onInterrupt).off('SIGTERM', onInterrupt);
  }
}

/** An answer that takes longer than the connection's patience is asked for again: the load goes on meanwhile. */
async function loadWhole(models: ModelsApi, request: LoadModel): Promise<LoadedModel> {
  const { load_request_id: _id, force_reload: _reload, ...same } = request;
  let next = request;
  for (;;) {
    try {
      return await models.load(next);
    } catch (error) {
      if (!(await isStillLoading(models, request.model_path, error))) throw error;
      next = same;
    }
  }
}

async function isStillLoading(models: ModelsApi, name: string, error: unknown): Promise<boolean> {
  if (!(error instanceof GantryClientError) || error.kind !== 'unreachable') return false;
  const progress = await models.progress(name).catch(() => undefined);
  return progress?.phase != null;
}

async function watch(
  models: ModelsApi,
  name: string,
  report: LoadReport,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    await delay(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined);
    const progress = signal.aborted ? undefined : await models.progress(name).catch(() => undefined);
    if (progress !== undefined) report.show(progress);
  }
}

async function requestOf(name: string, flags: LoadOptions): Promise<LoadModel> {
  const { context, kvType, parallel, gpuLayers, threads, batch, loadMode, template } = flags;
  return {
    model_path: name,
    ...(context === undefined ? {} : { max_seq_length: context }),
    ...(kvType === undefined ? {} : { cache_type_kv: kvType }),
    ...(parallel === undefined ? {} : { n_parallel: parallel }),
    ...(gpuLayers === undefined ? {} : { gpu_memory_mode: 'manual', gpu_layers: gpuLayers }),
    ...(threads === undefined ? {} : { n_threads: threads }),
    ...(batch === undefined ? {} : { n_batch: batch }),
    ...(loadMode === undefined ? {} : { load_mode: loadMode }),
    ...(template === undefined ? {} : { chat_template_override: await textOf(template) }),
    ...(flags.reload === true ? { force_reload: true } : {}),
    ...(flags.force === true ? { force_cancel_active: true } : {}),
  };
}

async function textOf(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new UsageError(`--template: ${messageOf(error)}`);
  }
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new InvalidArgumentError('a whole number is needed.');
  return value;
}

function reportFor(stream: NodeJS.WriteStream): LoadReport {
  const write = (text: string): boolean => stream.write(text);
  return stream.isTTY ? barLoadReport(write) : lineLoadReport(write);
}

function describe({
  status,
  model,
  context_length: context,
  device,
  memory_bytes: bytes,
}: LoadedModel): string {
  const what = status === 'loaded' ? 'is loaded' : 'was loaded already';
  const where = device === null ? '' : ` on ${plainLine(device)}`;
  const memory = bytes === null ? '' : `, ${sizeText(bytes)} of memory`;
  return `${plainLine(model)} ${what}${where}: ${context ?? 'unknown'} tokens of context${memory}.`;
}
