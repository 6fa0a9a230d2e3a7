import { getLlama, type ChatWrapper, type Llama, type LlamaContext, type LlamaModel } from 'node-llama-cpp';
import { stat } from 'node:fs/promises';
import { LlamaLogLevel } from 'node-llama-cpp';
import { messageOf } from '../../../errors.js';
import { allShards } from '../../../models/shards.js';
import type { FromHost, HostSampling, LoadedModelFacts, LoadSettings } from '../protocol.js';
import { AdapterContexts } from './adapter-contexts.js';
import { flashAttention, ggmlType } from './cache-options.js';
import { checkModelFile, LoadRefused } from './check-model-file.js';
import { downloadModel } from './download-model.js';
import { loadOptions } from './load-options.js';
import { loadProgress } from './load-progress.js';
import { loadedFacts } from './loaded-facts.js';
import { tellModelProbabilities } from './model-probabilities.js';
import { chooseWrapper } from './family-wrapper.js';
import { defaultSampling } from './default-sampling.js';
import { PromptTemplate, TemplateUnusable } from './prompt-template.js';
import { SequencePool } from './sequence-pool.js';
import { StateShelf } from './state-shelf.js';
import { VectorDesk } from './vector-desk.js';
import { TokenBytes } from './token-bytes.js';

type Send = (message: FromHost) => void;

export interface LoadedModel {
  readonly model: LlamaModel;
  readonly context: LlamaContext;
  readonly wrapper: ChatWrapper;
  readonly template: PromptTemplate;
  readonly pool: SequencePool;
  /** Undefined: nothing is kept on disk. */
  readonly shelf: StateShelf | undefined;
  readonly adapters: AdapterContexts;
  readonly vectors: VectorDesk;
  readonly tokenBytes: TokenBytes;
  readonly defaultSampling: HostSampling;
  readonly facts: LoadedModelFacts;
}

/** Below this the threads of one token's work cost more than they bring (measured: 1300 to 69 tokens/s). */
const SINGLE_THREAD_BYTES = 64 * 1024 * 1024;
const VECTOR_IDLE_MS = 5 * 60_000;

/** Loads the model and tells its progress. Rejects with LoadRefused, or what the library threw. */
export async function loadModel(settings: LoadSettings, send: Send): Promise<LoadedModel> {
  const report = loadProgress(send);
  const path =
    settings.location.kind === 'file'
      ? settings.location.path
      : await downloadModel(settings.location, report);
  report('validate', 0);
  const llama = await openLibrary(settings, send);
  await checkModelFile(path, settings, llama);
  const total = await fileBytes(path);
  const reportRead = (progress: number): void =>
    report('read', progress, { done: Math.round(progress * total), total });
  reportRead(0);
  const model = await llama.loadModel({
    modelPath: path,
    gpuLayers: settings.gpuLayers,
    ...loadOptions(settings.loadMode),
    onLoadProgress: reportRead,
  });
  if (settings.chatTemplate !== undefined) replaceTemplate(model, settings.chatTemplate);
  const template = usableTemplate(model, path);
  const wrapper = chooseWrapper(model);
  report('context', 0);
  const threads = settings.threads === 'auto' ? autoThreads(model, llama) : settings.threads;
  const cache = {
    threads,
    experimentalKvCacheKeyType: ggmlType(settings.cacheType),
    experimentalKvCacheValueType: ggmlType(settings.cacheType),
    // The CPU's flash attention goes key by key when it makes one token: measured, demo model, one thread, 300 to 500
    // tokens of context: 300 tokens/s with it and 800 without; reading the prompt is a quarter slower without.
    flashAttention: flashAttention(settings, llama),
  };
  const { contextSize, sequences, batchSize } = settings;
  const context = await model.createContext({
    ...cache,
    contextSize,
    sequences,
    ...(batchSize === 'auto' ? {} : { batchSize }),
  });
  tellModelProbabilities(context, model);
  const sampling = defaultSampling(model, settings.defaultTemperature);
  const facts = loadedFacts({ path, llama, model, context, wrapper, template, threads, sampling });
  return {
    model,
    context,
    wrapper,
    template,
    pool: new SequencePool(Array.from({ length: settings.sequences }, () => context.getSequence())),
    shelf: await openShelf(settings, send),
    adapters: new AdapterContexts(model, { ...cache, contextSize: context.contextSize }),
    tokenBytes: new TokenBytes(model),
    defaultSampling: sampling,
    vectors: new VectorDesk(
      model,
      { longestInput: facts.nativeContextSize, threads, idleMs: settings.vectorIdleMs ?? VECTOR_IDLE_MS },
      send,
      (bytes) => send({ type: 'memory', bytes: facts.memoryBytes + bytes }),
    ),
    facts,
  };
}

function usableTemplate(model: LlamaModel, path: string): PromptTemplate {
  try {
    return new PromptTemplate(model);
  } catch (error) {
    if (!(error instanceof TemplateUnusable)) throw error;
    throw new LoadRefused(
      `${path} cannot be talked to. ${error.message}`,
      'Take another file of the model, or give a template in place of its own: chat_template_override.',
    );
  }
}

async function fileBytes(path: string): Promise<number> {
  const sizes = await Promise.all(allShards(path).map(async (each) => (await stat(each)).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** Whoever wants the template, ours or the library's, takes it from the header. */
function replaceTemplate(model: LlamaModel, template: string): void {
  const metadata = model.fileInfo.metadata as { tokenizer?: { chat_template?: string } };
  metadata.tokenizer = { ...metadata.tokenizer, chat_template: template };
}

async function openLibrary(settings: LoadSettings, send: Send): Promise<Llama> {
  try {
    return await getLlama({
      gpu: settings.gpu,
      build: 'never',
      skipDownload: true,
      progressLogs: false,
      logLevel: LlamaLogLevel.info,
      logger: (level, message) => send({ type: 'log', level: logLevel(level), message: message.trimEnd() }),
    });
  } catch (error) {
    throw new LoadRefused(
      `llama.cpp could not be started with gpu=${String(settings.gpu)}: ${messageOf(error)}`,
      settings.gpu === 'auto' || settings.gpu === false
        ? 'No prebuilt binary fits this machine.'
        : 'The library of this GPU is missing or does not fit; use gpu=auto or gpu=false.',
    );
  }
}

async function openShelf({ stateCache }: LoadSettings, send: Send): Promise<StateShelf | undefined> {
  if (stateCache === undefined) return undefined;
  try {
    return await StateShelf.open(stateCache.folder, stateCache.maxBytes);
  } catch (error) {
    send({ type: 'log', level: 'warn', message: `Conversations are not kept on disk: ${messageOf(error)}` });
    return undefined;
  }
}

function autoThreads(model: LlamaModel, llama: Llama): number {
  return model.size < SINGLE_THREAD_BYTES ? 1 : Math.max(1, llama.cpuMathCores);
}

function logLevel(level: LlamaLogLevel): 'debug' | 'info' | 'warn' | 'error' {
  switch (level) {
    case LlamaLogLevel.fatal:
    case LlamaLogLevel.error:
      return 'error';
    case LlamaLogLevel.warn:
      return 'warn';
    case LlamaLogLevel.info:
    case LlamaLogLevel.log:
      return 'info';
    default:
      return 'debug';
  }
}
