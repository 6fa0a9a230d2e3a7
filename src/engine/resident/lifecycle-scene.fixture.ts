import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { ggufBytes } from '../../models/gguf.fixture.js';
import type { EngineStatus } from '../engine.js';
import { createScriptedEngine } from '../scripted/scripted-engine.js';
import { type LoadOrder, ModelLifecycle, type WhenBusy } from './model-lifecycle.js';
import type { RunUse } from './model-refusals.js';
import { type MakeEngine, ResidentEngine } from './resident-engine.js';
import { ResidentModel } from './resident-model.js';
import { autoSettings } from './resident-settings.fixture.js';
import type { ResidentSettings } from './resident-settings.js';

const MODEL_BYTES = 1024 * 1024;
const SETTINGS: ResidentSettings = { ...autoSettings, contextSize: 512 };

type Loads = Map<string, Promise<EngineStatus>>;
type Closes = Map<string, () => Promise<void>>;

/**
 * A life cycle over files of one size, `large` of two, and a budget of so many sizes. The default, `first`, is in memory.
 * Engines load at once and answer without end, as far as `loads` and `closes` do not say otherwise by the file's stem.
 */
export async function lifecycleScene(budgetInModels: number) {
  const folder = await mkdtemp(join(tmpdir(), 'gantry-lifecycle-'));
  const loads: Loads = new Map();
  const closes: Closes = new Map();
  const runs = new Map<string, readonly RunUse[]>();
  /** Whether the model of each run that was cancelled still took requests then. */
  const cancelled: [runId: string, isServed: boolean][] = [];

  const makeEngine = standIns(loads, closes);
  const pathOf = (name: string): string => join(folder, `${name}.gguf`);
  const first = new ResidentModel({
    names: ['first'],
    path: pathOf('first'),
    settings: SETTINGS,
    isDefault: true,
  });
  const engine = new ResidentEngine(first, makeEngine);
  for (const name of ['first', 'a', 'b', 'c', 'large']) await writeFile(pathOf(name), ggufOf(name));
  first.open((onStatus) => makeEngine(pathOf('first'), SETTINGS, onStatus));
  await first.loaded();

  const lifecycle = new ModelLifecycle({
    engine,
    users: {
      openRuns: ({ names }) => Promise.resolve(names.flatMap((name) => runs.get(name) ?? [])),
      cancel: (open) => {
        const served = engine.models().flatMap(({ names }) => names);
        for (const { runId } of open) {
          const model = [...runs].find(([, uses]) => uses.some((use) => use.runId === runId))?.[0];
          cancelled.push([runId, model !== undefined && served.includes(model)]);
        }
        return Promise.resolve();
      },
    },
    modelsDirectory: folder,
    hub: { endpoint: 'http://127.0.0.1:9' },
    budgetBytes: budgetInModels * MODEL_BYTES,
    freeBytes: () => 0,
  });
  const order = (name: string): LoadOrder => ({
    owner: 'alice',
    model: { names: [name], path: pathOf(name) },
    settings: SETTINGS,
    requestId: name,
    hubToken: undefined,
    reload: 'if different',
    whenBusy: 'refuse',
  });
  return {
    engine,
    lifecycle,
    loads,
    closes,
    runs,
    cancelled,
    load: async (name: string) => (await lifecycle.load(order(name))).status,
    unload: async (name: string, whenBusy: WhenBusy = 'refuse') =>
      (await lifecycle.unload(name, 'alice', whenBusy))?.state.type,
    state: (name: string) => engine.resident(name)?.state.type,
    remove: () => rm(folder, { recursive: true }),
  };
}

const FOREVER = { type: 'wait', until: new Promise<never>(() => undefined) } as const;

/** Makes engines that answer one turn each. */
function standIns(loads: Loads, closes: Closes): MakeEngine {
  return (path, _settings, onStatus) => {
    const name = basename(path, '.gguf');
    const turn = { steps: [{ type: 'text', pieces: ['So'] } as const, FOREVER] };
    const scripted = createScriptedEngine([turn]);
    const loaded = { ...scripted.status(), model: name, path, memoryBytes: bytesOf(name) } as EngineStatus;
    let status: EngineStatus = { state: 'loading', model: name, phase: 'read', progress: 0 };
    const load = async (): Promise<void> => {
      status = await (loads.get(name) ?? loaded);
      onStatus(status);
    };
    void load();
    return {
      generate: (request, signal) => scripted.generate(request, signal),
      embed: (request, signal) => scripted.embed(request, signal),
      rank: (request, signal) => scripted.rank(request, signal),
      count: (request) => scripted.count(request),
      capabilities: () => scripted.capabilities(),
      status: () => status,
      close: async () => {
        await closes.get(name)?.();
        status = { state: 'closed', model: name };
      },
    };
  };
}

function bytesOf(name: string): number {
  return (name === 'large' ? 2 : 1) * MODEL_BYTES;
}

function ggufOf(name: string): Buffer {
  const values = { 'general.architecture': 'llama', 'llama.context_length': 2048 };
  return ggufBytes({ values, dataBytes: bytesOf(name) });
}
