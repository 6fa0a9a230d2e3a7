import type { EngineStatus } from './engine.js';

/** The names by which models can be asked for, the preferred one's first. */
export function modelsOf(status: EngineStatus): readonly string[] {
  switch (status.state) {
    case 'pool':
      return [
        ...new Set([status.model, ...status.members.flatMap(({ name, status: own }) => [name, own.model])]),
      ];
    case 'elsewhere':
      return [status.model, ...status.others];
    default:
      return [status.model];
  }
}
