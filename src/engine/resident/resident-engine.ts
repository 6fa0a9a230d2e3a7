import type {
  CountRequest,
  Engine,
  EngineCapabilities,
  EngineEvent,
  EngineStatus,
  GenerateRequest,
  ServedModel,
} from '../engine.js';
import type { EmbedRequest, Embeddings, Ranking, RankRequest } from '../embedding.js';
import { EngineError } from '../engine-error.js';
import { asksForDefault } from '../served-models.js';
import type { Answering, ResidentModel } from './resident-model.js';
import type { ResidentSettings } from './resident-settings.js';

/** Makes the engine of a model by the path of its first file, and begins to load it. */
export type MakeEngine = (
  path: string,
  settings: ResidentSettings,
  onStatus: (status: EngineStatus) => void,
) => Engine;

const NOTHING = { text: '', reasoning: '', completeCalls: [] };

/**
 * The engine over all models in memory. A request has the model that it names, or else the one that the server was
 * started with; one that is not here is refused with the names of those that are. Owns them: `close` closes all.
 */
export class ResidentEngine implements Engine {
  private readonly others = new Set<ResidentModel>();

  constructor(
    private first: ResidentModel,
    readonly makeEngine: MakeEngine,
  ) {}

  /** The default is always among them, whatever its state. */
  residents(): readonly ResidentModel[] {
    return [this.first, ...this.others];
  }

  /** The model that answers to a name, in whatever state it is. */
  resident(name: string): ResidentModel | undefined {
    const named = this.residents().filter(({ names }) => names.includes(name));
    return named.find(({ isServing }) => isServing) ?? named[0];
  }

  /** A default takes the place of the one before. */
  add(model: ResidentModel): void {
    if (model.isDefault) this.first = model;
    else this.others.add(model);
  }

  /** The default stays, as one that is gone, so that its name is not another's. */
  remove(model: ResidentModel): void {
    this.others.delete(model);
  }

  async *generate(request: GenerateRequest, signal: AbortSignal): AsyncGenerator<EngineEvent, void, void> {
    let answering: Answering;
    try {
      answering = this.choose(request.model);
    } catch (error) {
      yield { type: 'error', error: error as EngineError, received: NOTHING };
      return;
    }
    yield* answering.generate(request, signal);
  }

  async embed(request: EmbedRequest, signal: AbortSignal): Promise<Embeddings> {
    return this.choose(request.model).embed(request, signal);
  }

  async rank(request: RankRequest, signal: AbortSignal): Promise<Ranking> {
    return this.choose(request.model).rank(request, signal);
  }

  async count(request: CountRequest): Promise<number> {
    return this.choose(request.model).count(request);
  }

  async capabilities(model?: string): Promise<EngineCapabilities> {
    return this.choose(model).capabilities();
  }

  status(): EngineStatus {
    return this.first.status();
  }

  models(): readonly ServedModel[] {
    return this.residents()
      .filter((model) => model.isDefault || model.isServing)
      .map((model) => model.served());
  }

  /** That model and no other, whichever instance has the name by then. */
  find(name: string): Engine | undefined {
    if (asksForDefault(name)) return this;
    const found = this.resident(name);
    if (found === undefined) return undefined;
    return {
      generate: (request, signal) => this.generate({ ...request, model: name }, signal),
      embed: (request, signal) => this.embed({ ...request, model: name }, signal),
      rank: (request, signal) => this.rank({ ...request, model: name }, signal),
      count: (request) => this.count({ ...request, model: name }),
      capabilities: () => this.capabilities(name),
      status: () => (this.resident(name) ?? found).status(),
      close: () => Promise.resolve(),
    };
  }

  forget(sessionId: string): void {
    for (const model of this.residents()) model.forget(sessionId);
  }

  async close(): Promise<void> {
    await Promise.all(
      this.residents().map(async (model) => {
        if (model.state.type === 'gone' || model.state.type === 'unloading') return;
        model.apply({ type: 'unload' });
        await model.close(0);
      }),
    );
  }

  /** Throws EngineError model_not_found. */
  private choose(asked: string | undefined): Answering {
    const model = asksForDefault(asked) ? this.first : this.resident(asked);
    if (model?.isServing === true) return asksForDefault(asked) ? model : model.answering(asked);
    const why = model?.refusal().message ?? `No model "${asked?.slice(0, 200) ?? ''}" is loaded.`;
    const names = this.residents().flatMap((one) => (one.isServing ? [`"${one.name}"`] : []));
    const loaded = names.length === 0 ? 'None is loaded.' : `Loaded: ${names.join(', ')}.`;
    throw new EngineError('model_not_found', `${why} ${loaded}`);
  }
}
