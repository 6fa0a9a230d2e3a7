import type { LlamaContext, LlamaContextOptions, LlamaModel } from 'node-llama-cpp';
import { messageOf } from '../../../errors.js';
import { GenerationRefused } from './generation-refused.js';
import { tellModelProbabilities } from './model-probabilities.js';
import { SequencePool } from './sequence-pool.js';

/** Contexts beside the model's own, each with a cache of its own in memory. */
const MOST_ADAPTERS = 2;

interface Place {
  readonly path: string;
  /** Settles when it is loaded. */
  readonly opened: Promise<Opened>;
  /** Generations that work in it or wait for it. */
  users: number;
}

interface Opened {
  readonly context: LlamaContext;
  readonly pool: SequencePool;
}

export interface LentContext extends Opened {
  release(): void;
}

/**
 * An adapter changes all of a context, so each has one of its own, made when it is first asked for: what one adapter
 * evaluated is never read by another. The one unused for longest makes room.
 */
export class AdapterContexts {
  /** The one unused for longest first. */
  private places: Place[] = [];

  constructor(
    private readonly model: LlamaModel,
    private readonly options: LlamaContextOptions,
  ) {}

  /** Rejects with GenerationRefused when all are in use, or when the file does not fit the model. */
  async open(path: string): Promise<LentContext> {
    const place = this.places.find((each) => each.path === path) ?? this.make(path);
    this.places = [...this.places.filter((each) => each !== place), place];
    place.users += 1;
    try {
      const { context, pool } = await place.opened;
      return { context, pool, release: () => (place.users -= 1) };
    } catch (error) {
      place.users -= 1;
      this.places = this.places.filter((each) => each !== place);
      throw error;
    }
  }

  private make(path: string): Place {
    const oldest = this.places.find((place) => place.users === 0);
    if (this.places.length >= MOST_ADAPTERS && oldest === undefined) {
      throw new GenerationRefused('overloaded', `${MOST_ADAPTERS} adapters are in use; wait for one to end.`);
    }
    const leaves = this.places.length >= MOST_ADAPTERS ? oldest : undefined;
    this.places = this.places.filter((place) => place !== leaves);
    const opened = this.load(path, leaves);
    opened.catch(() => undefined);
    return { path, opened, users: 0 };
  }

  private async load(path: string, leaves: Place | undefined): Promise<Opened> {
    await leaves?.opened.then(({ context }) => context.dispose());
    try {
      const lora = { adapters: [{ filePath: path }] };
      const context = await this.model.createContext({ ...this.options, sequences: 1, lora });
      tellModelProbabilities(context, this.model);
      return { context, pool: new SequencePool([context.getSequence()]) };
    } catch (error) {
      throw new GenerationRefused(
        'invalid_request',
        `The adapter could not be used with this model: ${messageOf(error)}. It must be a LoRA made for it.`,
      );
    }
  }
}
