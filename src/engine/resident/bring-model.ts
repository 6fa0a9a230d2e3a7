import { DomainError } from '../../errors.js';
import type { HubAccess } from '../../models/hub-request.js';
import { estimateMemory, largestContext } from '../../models/estimate-memory.js';
import { modelFacts } from '../../models/model-facts.js';
import type { HubName } from '../../models/model-name.js';
import { pullModel } from '../../models/pull-model.js';
import { type ModelFile, readModelFiles } from '../../models/read-model-files.js';
import type { ResidentModel } from './resident-model.js';
import type { ResidentSettings } from './resident-settings.js';
import { type Occupant, planRoom, type RoomPlan } from './room.js';

type ModelFiles = readonly [ModelFile, ...ModelFile[]];

const SMALLEST_CONTEXT = 256;
/** What `auto` does not go below where the model was trained for more: it then asks for room instead. */
const LEAST_AUTO_CONTEXT = 2048;

/** Fetches the model of a hub and tells its progress. Rejects with ModelError, or the reason of its cancel. */
export async function download(
  model: ResidentModel,
  hubName: HubName,
  place: { readonly modelsDirectory: string; readonly hub: HubAccess },
): Promise<string> {
  model.apply({ type: 'progressed', phase: 'download', progress: 0 });
  const { path } = await pullModel(hubName, {
    ...place,
    signal: model.cancel.signal,
    onEvent: (event) => {
      if (event.type !== 'progress' || model.state.type !== 'loading') return;
      const bytes = { done: event.doneBytes, total: event.totalBytes };
      const progress = bytes.total === 0 ? 0 : bytes.done / bytes.total;
      model.apply({ type: 'progressed', phase: 'download', progress, bytes });
    },
  });
  return path;
}

/** The headers of its files. Rejects with ModelError, or DomainError for a context that the model cannot have. */
export async function readChecked(
  path: string,
  { contextSize }: Pick<ResidentSettings, 'contextSize'>,
): Promise<ModelFiles> {
  const files = await readModelFiles(path);
  if (contextSize === 'auto') return files;
  const native = modelFacts(files).contextLength;
  if (contextSize < SMALLEST_CONTEXT) {
    throw badContext(
      `A context of ${contextSize} tokens cannot hold a conversation; ask for ${SMALLEST_CONTEXT} or more, or for 0 to have it chosen.`,
    );
  }
  if (native !== undefined && contextSize > native) {
    throw badContext(
      `A context of ${contextSize} tokens was asked for; the model was trained for ${native}. Ask for less, or for 0.`,
    );
  }
  return files;
}

function badContext(message: string): DomainError {
  return new DomainError('invalid_request', message, { param: 'max_seq_length', reason: 'bad_context_size' });
}

export interface Fit {
  readonly plan: RoomPlan;
  /** Tokens; `auto` where the loader has to find it. */
  readonly contextSize: 'auto' | number;
  readonly bytes: number;
  /** Tokens that the largest context has for which there is room. */
  readonly maxContextSize: number | undefined;
}

/**
 * How a model comes into memory: which others go, and what its context is. Pure. An explicit context is taken or refused;
 * `auto` becomes what fits. `free`: bytes; infinite where only the loader knows.
 */
export function fit(
  files: ModelFiles,
  settings: ResidentSettings,
  free: number,
  occupants: readonly Occupant[],
): Fit {
  const { sequences, cacheType } = settings;
  const native = modelFacts(files).contextLength;
  const bytesFor = (contextSize: number) => estimateMemory(files, { contextSize, sequences, cacheType });
  const asked = settings.contextSize === 'auto' ? native : settings.contextSize;
  const bytes = bytesFor(asked ?? 0);
  const plan = planRoom(bytes, free, occupants);
  const leaving = occupants.filter(({ mayGo }) => mayGo).reduce((sum, occupant) => sum + occupant.bytes, 0);
  const reachable = Math.max(0, free) + leaving;
  const maxContextSize =
    native === undefined
      ? undefined
      : largestContext(files, { sequences, cacheType }, { most: native, bytes: reachable });
  if (settings.contextSize !== 'auto')
    return { plan, contextSize: settings.contextSize, bytes, maxContextSize };
  if (native === undefined || free === Infinity) return { plan, contextSize: 'auto', bytes, maxContextSize };
  if (plan.type === 'fits') return { plan, contextSize: native, bytes, maxContextSize };
  const least = Math.min(native, LEAST_AUTO_CONTEXT);
  const contextSize = Math.max(least, maxContextSize ?? least);
  const smaller = bytesFor(contextSize);
  return { plan: planRoom(smaller, free, occupants), contextSize, bytes: smaller, maxContextSize };
}
