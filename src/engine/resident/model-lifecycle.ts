import { isDeepStrictEqual } from 'node:util';
import type { ClientModel } from '../../models/client-model.js';
import type { HubAccess } from '../../models/hub-request.js';
import { abortable } from '../../abortable.js';
import { OneAtATime } from '../../one-at-a-time.js';
import { download, fit, type Fit, readChecked } from './bring-model.js';
import { LoadCancels } from './load-cancels.js';
import { asModelRefusal, busyModel, conflict, notEnoughMemory, type RunUse } from './model-refusals.js';
import type { ResidentEngine } from './resident-engine.js';
import { ResidentModel } from './resident-model.js';
import type { ResidentSettings } from './resident-settings.js';
import type { Occupant } from './room.js';

/** Milliseconds that what was cancelled has to come to its end. */
const DRAIN_MS = 5_000;
const MOST_FAILED = 8;

/** Who works with models, beside the generations that the engine sees itself. */
export interface ModelUsers {
  /** Runs under way or queued that ask for one of the names, or for none when the model is the default. */
  openRuns(model: Pick<ResidentModel, 'names' | 'isDefault'>): Promise<readonly RunUse[]>;
  cancel(runs: readonly RunUse[]): Promise<void>;
}

export interface LifecycleParts {
  readonly engine: ResidentEngine;
  readonly users: ModelUsers;
  readonly modelsDirectory: string;
  readonly hub: HubAccess;
  /** Bytes that models may take together; undefined: what `freeBytes` says. */
  readonly budgetBytes: number | undefined;
  /** Infinite where only the loader knows. */
  readonly freeBytes: () => number;
}

export interface LoadOrder {
  readonly owner: string;
  readonly model: ClientModel;
  readonly settings: ResidentSettings;
  readonly requestId: string | undefined;
  readonly hubToken: string | undefined;
  readonly reload: 'if different' | 'always';
  readonly whenBusy: WhenBusy;
}

export type WhenBusy = 'refuse' | 'cancel';

export interface LoadEnd {
  readonly status: 'loaded' | 'already_loaded';
  readonly model: ResidentModel;
}

/** Nest injection token of the ModelLifecycle; undefined where the process has no engine. */
export const MODEL_LIFECYCLE = Symbol('ModelLifecycle');

interface Decision {
  /** `joined`: another load of the same is under way. */
  readonly type: 'there' | 'joined' | 'begun';
  readonly model: ResidentModel;
}

/** Brings models into memory and out of it. What it decides, it decides one after the other. */
export class ModelLifecycle {
  private readonly cancels = new LoadCancels();
  private readonly decisions = new OneAtATime();
  private readonly memory = new OneAtATime();
  private readonly loads = new Map<ResidentModel, Promise<void>>();

  constructor(private readonly parts: LifecycleParts) {}

  /** Resolves when the model is in memory. Rejects with DomainError. */
  async load(order: LoadOrder): Promise<LoadEnd> {
    const claim = this.cancels.begin(order.owner, order.requestId);
    try {
      const { type, model } = await this.decisions.run(() => this.decide(order, claim.signal));
      if (type === 'there') return { status: 'already_loaded', model };
      const load = this.loads.get(model) ?? model.loaded();
      // Another's load goes on when one that joined it is cancelled; one's own has left nothing behind when it ends.
      await (type === 'joined' ? abortable(load, claim.signal) : load);
      return { status: 'loaded', model };
    } catch (error) {
      throw asModelRefusal(error);
    } finally {
      claim.end();
    }
  }

  /** Whether a load with that id was under way; if not, one that comes within a minute is cancelled. */
  cancelLoad(owner: string, requestId: string): boolean {
    return this.cancels.cancel(owner, requestId);
  }

  /** Resolves when the memory is free. Rejects with DomainError; undefined for a name that nothing has. */
  unload(name: string, owner: string, whenBusy: WhenBusy): Promise<ResidentModel | undefined> {
    return this.decisions.run(async () => {
      await this.parts.engine.resident(name)?.unloaded();
      const model = this.parts.engine.resident(name);
      if (model === undefined || model.state.type === 'gone') return undefined;
      await this.takeOut(model, owner, whenBusy);
      return model;
    });
  }

  /** How a model would come into memory now; loads nothing. Rejects with ModelError or DomainError. */
  async preview(path: string, settings: ResidentSettings, replacing?: ResidentModel): Promise<Fit> {
    const files = await readChecked(path, settings);
    const occupants = await this.occupants(replacing);
    const freed = replacing?.state.type === 'ready' ? replacing.memoryBytes : 0;
    return fit(files, settings, this.free() + freed, occupants);
  }

  private async decide(order: LoadOrder, signal: AbortSignal): Promise<Decision> {
    signal.throwIfAborted();
    await this.known(order.model)?.unloaded();
    const old = this.known(order.model);
    if (old?.settings === undefined && old !== undefined) {
      throw conflict('model_elsewhere', `The model "${old.name}" is not loaded by this server: see MODEL.`);
    }
    const isSame = old !== undefined && isDeepStrictEqual(old.settings, order.settings);
    if (old?.state.type === 'loading') {
      if (isSame) return { type: 'joined', model: old };
      throw conflict('load_in_progress', `The model "${old.name}" is being loaded with other settings.`);
    }
    if (old?.state.type === 'ready' && isSame && order.reload === 'if different') {
      return { type: 'there', model: old };
    }
    // What cannot be had is refused before what is there goes.
    if (order.model.path !== undefined) await this.checkRoom(order, order.model.path, old);
    signal.throwIfAborted();
    if (old !== undefined && old.state.type !== 'gone') await this.takeOut(old, order.owner, order.whenBusy);
    signal.throwIfAborted();
    const model = new ResidentModel({
      names: this.freeNames(order.model),
      path: order.model.path,
      settings: order.settings,
      isDefault: old?.isDefault ?? false,
    });
    this.parts.engine.add(model);
    signal.addEventListener('abort', () => model.cancel.abort(signal.reason), { once: true });
    const load = this.bring(model, order).finally(() => this.loads.delete(model));
    // Whoever asked for it hears of it; others may look at the status.
    load.catch(() => undefined);
    this.loads.set(model, load);
    return { type: 'begun', model };
  }

  private known({ names, path }: ClientModel): ResidentModel | undefined {
    const { engine } = this.parts;
    const samePath = engine.residents().find((one) => path !== undefined && one.path === path);
    if (samePath !== undefined) return samePath;
    const sameName = engine.resident(names.at(-1) ?? names[0]);
    return sameName?.path === undefined || path === undefined ? sameName : undefined;
  }

  private freeNames({ names, path }: ClientModel): readonly [string, ...string[]] {
    const { engine } = this.parts;
    const isFree = (name: string): boolean => {
      const holder = engine.resident(name);
      return holder === undefined || (holder.state.type === 'gone' && holder.path === path);
    };
    const [first, ...rest] = names.filter(isFree);
    if (first === undefined) throw conflict('name_taken', `Another model has the name "${names[0]}".`);
    return [first, ...rest];
  }

  private async checkRoom(order: LoadOrder, path: string, old: ResidentModel | undefined): Promise<void> {
    const { plan } = await this.preview(path, order.settings, old);
    if (plan.type === 'refused') throw notEnoughMemory(order.model.names[0], plan.needed, plan.reachable);
  }

  /** Rejects with DomainError model_busy. */
  private async takeOut(model: ResidentModel, owner: string, whenBusy: WhenBusy): Promise<void> {
    if (model.settings === undefined) {
      throw conflict('model_elsewhere', `The model "${model.name}" is not loaded by this server: see MODEL.`);
    }
    const runs = await this.parts.users.openRuns(model);
    const isNeeded = model.isServing && (runs.length > 0 || model.isBusy);
    if (whenBusy === 'refuse' && isNeeded) throw busyModel(model, runs, owner);
    // Before the model goes: a run that asks for it only then is cancelled, not failed.
    if (isNeeded) await this.parts.users.cancel(runs);
    // Another's load may have made room with it meanwhile.
    if (model.state.type === 'unloading' || model.state.type === 'gone') {
      await model.unloaded();
      return;
    }
    const load = this.loads.get(model);
    if (load === undefined) {
      model.apply({ type: 'unload' });
      await model.close(DRAIN_MS);
      this.parts.engine.remove(model);
      return;
    }
    model.cancel.abort(
      conflict('load_cancelled', `The model "${model.name}" was unloaded while it was loaded.`),
    );
    await load.catch(() => undefined);
  }

  /** Rejects with what went wrong; only a failure of the loader leaves the model behind, as failed. */
  private async bring(model: ResidentModel, { model: source, hubToken, settings }: LoadOrder): Promise<void> {
    const { parts } = this;
    const hub = hubToken === undefined ? parts.hub : { ...parts.hub, token: hubToken };
    try {
      if (model.path === undefined && source.hub !== undefined) {
        model.path = await download(model, source.hub, { modelsDirectory: parts.modelsDirectory, hub });
      }
      const path = model.path ?? '';
      await this.memory.run(async () => {
        model.cancel.signal.throwIfAborted();
        model.apply({ type: 'progressed', phase: 'validate', progress: 0 });
        const contextSize = await this.makeRoom(model, path, settings);
        model.cancel.signal.throwIfAborted();
        model.open((onStatus) => parts.engine.makeEngine(path, { ...settings, contextSize }, onStatus));
        await model.loaded();
      }, model.cancel.signal);
    } catch (error) {
      const reason: unknown = model.cancel.signal.aborted ? model.cancel.signal.reason : error;
      if (model.state.type === 'failed') this.forgetFailed();
      else if (model.isServing) {
        model.apply({ type: 'unload' });
        await model.close(0);
        parts.engine.remove(model);
      }
      throw reason;
    }
  }

  /** Returns the context to load with. */
  private async makeRoom(
    model: ResidentModel,
    path: string,
    settings: ResidentSettings,
  ): Promise<'auto' | number> {
    for (;;) {
      const { plan, contextSize, bytes, maxContextSize } = await this.preview(path, settings);
      if (plan.type === 'refused') throw notEnoughMemory(model.name, plan.needed, plan.reachable);
      if (!(await this.unloadIdle(plan.unload))) continue;
      model.estimatedBytes = bytes;
      model.maxContextSize = maxContextSize;
      return contextSize;
    }
  }

  /** Whether all of them went; one that came to be used or unloaded since they were chosen ends it. */
  private async unloadIdle(names: readonly string[]): Promise<boolean> {
    const { engine, users } = this.parts;
    for (const name of names) {
      const model = engine.resident(name);
      if (model === undefined) return false;
      const runs = await users.openRuns(model);
      // From here to its unload nothing is awaited, so nobody can begin to use it.
      if (model.state.type !== 'ready' || model.isBusy || runs.length > 0) {
        await model.unloaded();
        return false;
      }
      model.apply({ type: 'unload' });
      await model.close(0);
      engine.remove(model);
    }
    return true;
  }

  private free(): number {
    const { budgetBytes, freeBytes, engine } = this.parts;
    if (budgetBytes === undefined) return freeBytes();
    return budgetBytes - engine.residents().reduce((sum, model) => sum + model.memoryBytes, 0);
  }

  private async occupants(replacing: ResidentModel | undefined): Promise<readonly Occupant[]> {
    const ready = this.parts.engine
      .residents()
      .filter((model) => model !== replacing && model.state.type === 'ready');
    return Promise.all(
      ready.map(async (model) => {
        const { name, memoryBytes: bytes, lastUsedAt, isDefault, isBusy } = model;
        const isOurs = !isDefault && model.settings !== undefined;
        const mayGo = isOurs && !isBusy && (await this.parts.users.openRuns(model)).length === 0;
        return { name, bytes, lastUsedAt, mayGo };
      }),
    );
  }

  private forgetFailed(): void {
    const { engine } = this.parts;
    const failed = engine.residents().filter(({ isDefault, state }) => !isDefault && state.type === 'failed');
    for (const model of failed.slice(0, -MOST_FAILED)) engine.remove(model);
  }
}
