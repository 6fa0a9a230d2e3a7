import { Inject, Injectable } from '@nestjs/common';
import { Gauge, Registry } from 'prom-client';
import { DataSource } from 'typeorm';
import { ENGINE, type Engine, type EngineStatus } from '../../engine/engine.js';
import { servedModels } from '../../engine/served-models.js';
import { SANDBOX_PROVIDER, type SandboxProvider } from '../../sandbox/sandbox.js';
import { EngineMetrics } from './engine-metrics.js';

const SANDBOX_STATES = ['ready', 'booting', 'used', 'queued'] as const;

/** What is counted, and what is as it is now. */
@Injectable()
export class MetricsService {
  constructor(
    private readonly counted: EngineMetrics,
    private readonly dataSource: DataSource,
    @Inject(ENGINE) private readonly engine: Engine,
    @Inject(SANDBOX_PROVIDER) private readonly sandboxes: SandboxProvider,
  ) {}

  /** In Prometheus' text format. Rejects when the database does not answer. */
  async read(): Promise<string> {
    return (await this.counted.registry.metrics()) + (await (await this.current()).metrics());
  }

  get contentType(): string {
    return this.counted.registry.contentType;
  }

  private async current(): Promise<Registry> {
    const registry = new Registry();
    const registers = [registry];
    const runs = new Gauge({
      name: 'gantry_runs',
      help: 'Runs in the database by state, of all processes.',
      labelNames: ['state'],
      registers,
    });
    const rows = await this.dataSource.query<{ state: string; count: string }[]>(
      'SELECT state, count(*) FROM runs GROUP BY state',
    );
    for (const { state, count } of rows) runs.set({ state }, Number(count));
    const sandboxes = new Gauge({
      name: 'gantry_sandboxes',
      help: 'Sandboxes of this process that stand ready, are booted or used; and calls in line for one (queued).',
      labelNames: ['state'],
      registers,
    });
    const { occupancy } = this.sandboxes.protections();
    for (const state of SANDBOX_STATES) sandboxes.set({ state }, occupancy?.[state] ?? 0);
    const memory = new Gauge({
      name: 'gantry_model_memory_bytes',
      help: "Memory of a model's host process.",
      labelNames: ['model'],
      registers,
    });
    const breakers = new Gauge({
      name: 'gantry_breaker_state',
      help: "1 for the state that a pool member's breaker is in, 0 for the others.",
      labelNames: ['member', 'state'],
      registers,
    });
    for (const { status } of servedModels(this.engine)) {
      for (const one of leaves(status))
        if (one.state === 'ready') memory.set({ model: one.model }, one.memoryBytes);
      if (status.state !== 'pool') continue;
      for (const { name: member, breaker } of status.members) {
        for (const state of ['closed', 'open', 'half_open'])
          breakers.set({ member, state }, Number(state === breaker));
      }
    }
    return registry;
  }
}

function leaves(status: EngineStatus): readonly EngineStatus[] {
  return status.state === 'pool' ? status.members.flatMap((member) => leaves(member.status)) : [status];
}
