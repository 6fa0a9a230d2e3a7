import type { Engine } from './engine.js';

/** The engine of a run that asked for `model`. A name that nobody has stays with the whole, whose refusal tells it. */
export function engineFor(engine: Engine, model: string | undefined): Engine {
  return (model === undefined ? undefined : engine.find?.(model)) ?? engine;
}
