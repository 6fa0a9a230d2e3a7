import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../../config/config.js';
import { ENGINE, type Engine } from '../../engine/engine.js';
import { configuredSettings } from '../../engine/resident/default-model.js';
import {
  MODEL_LIFECYCLE,
  type ModelLifecycle,
  type WhenBusy,
} from '../../engine/resident/model-lifecycle.js';
import { asModelRefusal } from '../../engine/resident/model-refusals.js';
import type { ResidentEngine } from '../../engine/resident/resident-engine.js';
import { residentEngineOf } from '../../engine/resident-engine-of.js';
import type { ResidentModel } from '../../engine/resident/resident-model.js';
import type { ResidentSettings } from '../../engine/resident/resident-settings.js';
import {
  progressView,
  type ProgressView,
  residentView,
  type ResidentView,
} from '../../engine/resident/resident-view.js';
import { DomainError } from '../../errors.js';
import { type ClientModel, clientModel } from '../../models/client-model.js';
import { inspectFile } from '../../models/inspect-model.js';
import { ModelError } from '../../models/model-error.js';
import { modelsFolder } from '../../models/models-folder.js';
import { parseModelName } from '../../models/model-name.js';
import type { LoadRequest, UnloadRequest, ValidateRequest } from './load-request.js';
import { validatedModel, type ValidatedModel } from './validated-model.js';

export type LoadAnswer = ResidentView & {
  readonly status: 'loaded' | 'already_loaded';
  /** Jinja, the one in use; null: the model has none, and turns are marked as in ChatML. */
  readonly chat_template: string | null;
};
export type UnloadAnswer =
  | { readonly status: 'unloaded'; readonly model: string }
  /** `cancel_waiting`: that load has not come yet; if it does within a minute, it is cancelled. */
  | { readonly status: 'cancelled' | 'cancel_waiting'; readonly load_request_id: string };

/** Models in memory, as clients ask for them. */
@Injectable()
export class ModelLifecycleService {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    @Inject(ENGINE) private readonly engine: Engine,
    @Inject(MODEL_LIFECYCLE) private readonly lifecycle: ModelLifecycle | undefined,
  ) {}

  async load(owner: string, request: LoadRequest): Promise<LoadAnswer> {
    const { lifecycle, residents } = this.here();
    const { status, model } = await lifecycle.load({
      owner,
      model: await this.resolve(request, residents),
      settings: this.settingsOf(request),
      requestId: request.load_request_id,
      hubToken: request.hf_token ?? undefined,
      reload: request.force_reload === true ? 'always' : 'if different',
      whenBusy: whenBusy(request),
    });
    return { status, ...residentView(model), chat_template: await model.chatTemplate };
  }

  async unload(owner: string, request: UnloadRequest): Promise<UnloadAnswer> {
    const { lifecycle } = this.here();
    const { model_path: name = '', cancel_load_request_id: loadId } = request;
    if (loadId !== undefined) {
      const isCancelled = lifecycle.cancelLoad(owner, loadId);
      return { status: isCancelled ? 'cancelled' : 'cancel_waiting', load_request_id: loadId };
    }
    const model = await lifecycle.unload(name, owner, whenBusy(request));
    if (model !== undefined) return { status: 'unloaded', model: model.name };
    throw new DomainError('not_found', `No model ${JSON.stringify(name.slice(0, 200))} is loaded.`, {
      param: 'model_path',
      reason: 'model_not_loaded',
    });
  }

  /** From the headers alone: nothing is loaded, nothing is fetched. */
  async validate(request: ValidateRequest): Promise<ValidatedModel> {
    const { lifecycle, residents } = this.here();
    const model = await this.resolve(request, residents);
    const [name] = model.names;
    try {
      if (model.path === undefined) {
        throw new ModelError('not_found', `${name} is not on this machine.`, 'A load fetches it.');
      }
      const settings = this.settingsOf(request);
      const resident = residents.residents().find(({ path }) => path === model.path);
      const fit = await lifecycle.preview(model.path, settings, resident);
      return validatedModel(name, await inspectFile(model.path), fit);
    } catch (error) {
      throw asModelRefusal(error);
    }
  }

  /** Of the model named; else of the load that began last, and without one of the default. */
  progress(name: string | undefined): ProgressView {
    const { residents } = this.here();
    const all = residents.residents();
    const chosen =
      name === undefined
        ? (all.findLast(({ state }) => state.type === 'loading') ?? all[0])
        : residents.resident(name);
    return progressView(chosen);
  }

  residents(): readonly ResidentModel[] {
    return residentEngineOf(this.engine)?.residents() ?? [];
  }

  private here(): { readonly lifecycle: ModelLifecycle; readonly residents: ResidentEngine } {
    const { lifecycle } = this;
    const residents = residentEngineOf(this.engine);
    if (lifecycle !== undefined && residents !== undefined) return { lifecycle, residents };
    throw new DomainError(
      'conflict',
      'This process has no engine, since it works no runs (GANTRY_WORKER=off): ask a server that works them.',
      { reason: 'no_engine_here' },
    );
  }

  /** One that is loaded by its name there, also where the operator keeps it outside of the models folder. */
  private async resolve(
    { model_path: text, gguf_variant: variant }: ValidateRequest,
    residents: ResidentEngine,
  ): Promise<ClientModel> {
    const known = variant ? undefined : residents.resident(text);
    try {
      if (known !== undefined) return identityOf(known);
      return await clientModel(text, variant ?? undefined, modelsFolder(this.config.home));
    } catch (error) {
      throw asModelRefusal(error);
    }
  }

  private settingsOf(request: ValidateRequest): ResidentSettings {
    const given = configuredSettings(this.config.engine);
    const { max_seq_length: context, gpu_layers: layers, chat_template_override: template } = request;
    return {
      contextSize: context === undefined ? given.contextSize : context === 0 ? 'auto' : context,
      cacheType: request.cache_type_kv ?? given.cacheType,
      sequences: request.n_parallel ?? given.sequences,
      gpuLayers: layers === undefined ? given.gpuLayers : layers === -1 ? 'max' : layers,
      threads: request.n_threads ?? given.threads,
      flashAttention: request.flash_attention ?? given.flashAttention,
      batchSize: request.n_batch ?? given.batchSize,
      loadMode: request.load_mode ?? given.loadMode,
      ...(template && template.trim() !== '' ? { chatTemplate: template } : {}),
    };
  }
}

function whenBusy({
  force_cancel_active: force,
}: {
  readonly force_cancel_active?: boolean | undefined;
}): WhenBusy {
  return force === true ? 'cancel' : 'refuse';
}

function identityOf({ names, path }: ResidentModel): ClientModel {
  const [first, ...rest] = names;
  const last = names.at(-1) ?? '';
  const named = last.startsWith('hf:') ? parseModelName(last) : undefined;
  return { names: [first ?? last, ...rest], path, ...(named?.kind === 'hub' ? { hub: named } : {}) };
}
