import type { EngineEvent, Usage } from '../engine.js';
import { addUsage } from '../usage.js';

/** What a council's turn has cost so far: of all that were asked. */
export class Spending {
  private usage: Usage | undefined;

  add(usage: Usage | undefined): void {
    if (usage === undefined) return;
    this.usage = this.usage === undefined ? usage : addUsage(this.usage, usage);
  }

  *tell(): Generator<EngineEvent, void, void> {
    if (this.usage !== undefined) yield { type: 'usage', usage: this.usage };
  }
}
