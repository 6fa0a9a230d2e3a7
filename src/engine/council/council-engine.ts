import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../../errors.js';
import { councilNameProblem, expertsOf, isCouncil } from '../council-name.js';
import { EngineError } from '../engine-error.js';
import type { EmbedRequest, Embeddings, RankRequest, Ranking } from '../embedding.js';
import type {
  CountRequest,
  Engine,
  EngineCapabilities,
  EngineEvent,
  GenerateRequest,
  ServedModel,
} from '../engine.js';
import { servedModels } from '../served-models.js';
import { councilSessions } from './council-sessions.js';
import type { Council, Expert } from './council.js';
import { holdCouncil } from './hold-council.js';
import { NOTHING } from './turn-events.js';

const EXPERT_TIMEOUT_MS = 300_000;
/** How long the slowest may take to say what it can do, once the first has. */
const LATE_MS = 5000;

/** The engine that answers as this model and no other, asked without `model`; undefined when it is not here. */
export type FindExpert = (model: string) => Engine | undefined;

/**
 * `engine`, which besides its own models answers as `council:a,b,c`: the experts are asked at once and one turn comes
 * of it. Which ones there are `findExpert` knows. Owns `engine`.
 */
export class CouncilEngine implements Engine {
  constructor(
    readonly engine: Engine,
    private readonly findExpert: FindExpert,
    /** 0 inclusive to 1 exclusive. */
    private readonly random: () => number = Math.random,
  ) {}

  generate(request: GenerateRequest, signal: AbortSignal): AsyncIterable<EngineEvent> {
    const { model } = request;
    if (isCouncil(model)) return this.hold(model, request, signal);
    return this.engineOf(model).generate(request, signal);
  }

  async embed(request: EmbedRequest, signal: AbortSignal): Promise<Embeddings> {
    refuseCouncil(request.model);
    return this.engineOf(request.model).embed(request, signal);
  }

  async rank(request: RankRequest, signal: AbortSignal): Promise<Ranking> {
    refuseCouncil(request.model);
    return this.engineOf(request.model).rank(request, signal);
  }

  /** As the expert sees it that needs most for it. */
  async count(request: CountRequest): Promise<number> {
    const { model, ...prompt } = request;
    if (!isCouncil(model)) return this.engineOf(model).count(request);
    const counts = await ofThoseWhoAnswer(this.requireExperts(model), (engine) => engine.count(prompt));
    return Math.max(...counts);
  }

  /** Of a council: what each of its experts can do, in the smallest window of all. */
  async capabilities(model?: string): Promise<EngineCapabilities> {
    if (!isCouncil(model)) return this.engineOf(model).capabilities(model);
    const found = await ofThoseWhoAnswer(this.requireExperts(model), (engine) => engine.capabilities());
    return {
      model,
      contextSize: Math.min(...found.map(({ contextSize }) => contextSize)),
      toolCalls: found.every(({ toolCalls }) => toolCalls),
      reasoning: found.some(({ reasoning }) => reasoning),
    };
  }

  status(): ReturnType<Engine['status']> {
    return this.engine.status();
  }

  find(model: string): Engine | undefined {
    if (!isCouncil(model)) return this.engine.find?.(model) ?? this.findExpert(model);
    return this.expertsOf(model) instanceof EngineError ? undefined : this;
  }

  /** What each expert and the judge keep of it goes too. */
  forget(sessionId: string): void {
    for (const id of [sessionId, ...councilSessions(sessionId)]) this.engine.forget?.(id);
  }

  close(): Promise<void> {
    return this.engine.close();
  }

  private async *hold(
    model: string,
    request: GenerateRequest,
    signal: AbortSignal,
  ): AsyncGenerator<EngineEvent, void, void> {
    if (signal.aborted) {
      yield { type: 'stop', reason: 'cancelled', message: NOTHING };
      return;
    }
    const council = this.councilOf(model, request);
    if (council instanceof EngineError) yield { type: 'error', error: council, received: NOTHING };
    else yield* holdCouncil(council, request, signal, this.random);
  }

  private councilOf(model: string, { council: terms }: GenerateRequest): Council | EngineError {
    const experts = this.expertsOf(model);
    if (experts instanceof EngineError) return experts;
    const judge = terms?.judge === undefined ? experts[0] : this.expert(terms.judge);
    if (judge instanceof EngineError) return judge;
    return {
      experts,
      judge,
      strategy: terms?.strategy ?? 'judge',
      expertTimeoutMs: terms?.expertTimeoutMs ?? EXPERT_TIMEOUT_MS,
    };
  }

  /** An expert can be asked alone too; a name that nobody has is refused by the whole. */
  private engineOf(model: string | undefined): Engine {
    return (model === undefined ? undefined : this.find(model)) ?? this.engine;
  }

  models(): readonly ServedModel[] {
    return servedModels(this.engine);
  }

  private requireExperts(model: string): readonly Expert[] {
    const experts = this.expertsOf(model);
    if (experts instanceof EngineError) throw experts;
    return experts;
  }

  /** All of them, or why not. */
  private expertsOf(model: string): readonly [Expert, ...Expert[]] | EngineError {
    const problem = councilNameProblem(model);
    if (problem !== undefined) return new EngineError('invalid_request', problem);
    const found: Expert[] = [];
    for (const name of expertsOf(model)) {
      const expert = this.expert(name);
      if (expert instanceof EngineError) return expert;
      found.push(expert);
    }
    const [first, ...others] = found;
    return first === undefined
      ? new EngineError('invalid_request', 'A council has experts.')
      : [first, ...others];
  }

  private expert(name: string): Expert | EngineError {
    const engine = this.findExpert(name);
    return engine
      ? { name, engine }
      : new EngineError('model_not_found', `There is no model "${name}" here.`);
  }
}

function refuseCouncil(model: string | undefined): void {
  if (!isCouncil(model)) return;
  throw new EngineError('invalid_request', 'A council only answers conversations: name one model.');
}

/**
 * An expert that cannot answer is left out, and so is one that takes `LATE_MS` longer than another: it may be loading.
 * Rejects only where all do.
 */
async function ofThoseWhoAnswer<T>(
  experts: readonly Expert[],
  ask: (engine: Engine) => Promise<T>,
): Promise<readonly T[]> {
  const found: T[] = [];
  const engines = [...new Set(experts.map(({ engine }) => engine))];
  const asked = engines.map(async (engine) => found.push(await ask(engine)));
  try {
    await Promise.any(asked);
  } catch (reason) {
    const said = reason instanceof AggregateError ? reason.errors.map(messageOf).join(' ') : '';
    throw new EngineError('all_models_unavailable', `No expert of the council can be used. ${said}`);
  }
  const enough = new AbortController();
  const late = delay(LATE_MS, undefined, { signal: enough.signal }).catch(() => undefined);
  await Promise.race([Promise.allSettled(asked), late]);
  enough.abort();
  return [...found];
}
