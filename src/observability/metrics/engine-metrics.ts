import { Injectable } from '@nestjs/common';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { EngineStatus } from '../../engine/engine.js';
import type { EngineError } from '../../engine/engine-error.js';
import type { GenerationMeter, GenerationReport } from '../../engine/metered-engine.js';
import type { PoolEvent } from '../../engine/resilient/pool-event.js';

const SECONDS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300];
const TOKENS_PER_SECOND = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000];

/** What this process's models do, counted since its start. Labels have names that the server gives, never a client's. */
@Injectable()
export class EngineMetrics implements GenerationMeter {
  readonly registry = new Registry();
  private readonly registers = [this.registry];
  private readonly hosts = new Map<string, number>();

  private readonly active = new Gauge({
    name: 'gantry_generations_active',
    help: 'Generations under way, those in line included.',
    labelNames: ['model'],
    registers: this.registers,
  });
  private readonly waiting = new Gauge({
    name: 'gantry_generation_queue_length',
    help: "Generations in line for one of the model's places.",
    labelNames: ['model'],
    registers: this.registers,
  });
  private readonly generations = new Counter({
    name: 'gantry_generations_total',
    help: 'Generations by how they ended: a stop reason or the code of an error.',
    labelNames: ['model', 'end'],
    registers: this.registers,
  });
  private readonly tokens = new Counter({
    name: 'gantry_tokens_total',
    help: 'Tokens: prompt (all of it), cached (what of the prompt was not computed again), completion.',
    labelNames: ['model', 'kind'],
    registers: this.registers,
  });
  private readonly queueWait = new Histogram({
    name: 'gantry_generation_queue_seconds',
    help: 'Time in line for one of the places of the model.',
    labelNames: ['model'],
    buckets: SECONDS,
    registers: this.registers,
  });
  private readonly firstToken = new Histogram({
    name: 'gantry_time_to_first_token_seconds',
    help: 'From asking the model to the first piece of its turn, the wait in line included.',
    labelNames: ['model'],
    buckets: SECONDS,
    registers: this.registers,
  });
  private readonly speed = new Histogram({
    name: 'gantry_completion_tokens_per_second',
    help: 'Of one generation, its prompt not counted.',
    labelNames: ['model'],
    buckets: TOKENS_PER_SECOND,
    registers: this.registers,
  });
  private readonly transitions = new Counter({
    name: 'gantry_breaker_transitions_total',
    help: "Changes of a pool member's breaker, by the state it came to.",
    labelNames: ['member', 'to'],
    registers: this.registers,
  });
  private readonly fallbacks = new Counter({
    name: 'gantry_model_fallbacks_total',
    help: 'Generations that went to this member since those before it did not answer.',
    labelNames: ['member'],
    registers: this.registers,
  });
  private readonly exhausted = new Counter({
    name: 'gantry_pool_exhausted_total',
    help: 'Generations that no member of the pool answered.',
    registers: this.registers,
  });
  private readonly retries = new Counter({
    name: 'gantry_inference_retries_total',
    help: 'Attempts of a round that begin since the one before failed, by the code of its error.',
    labelNames: ['code'],
    registers: this.registers,
  });
  private readonly loads = new Counter({
    name: 'gantry_model_loads_total',
    help: 'Changes of models in memory: loaded, restarted (their host process was lost), unloaded, failed.',
    labelNames: ['model', 'change'],
    registers: this.registers,
  });

  changed(model: string, by: { readonly active?: 1 | -1; readonly waiting?: 1 | -1 }): void {
    this.active.inc({ model }, by.active ?? 0);
    this.waiting.inc({ model }, by.waiting ?? 0);
  }

  ended({ model, end, usage, waited, firstToken }: GenerationReport): void {
    this.generations.inc({ model, end });
    this.queueWait.observe({ model }, waited);
    if (firstToken !== undefined) this.firstToken.observe({ model }, firstToken);
    if (usage === undefined) return;
    this.tokens.inc({ model, kind: 'prompt' }, usage.prompt_tokens);
    this.tokens.inc({ model, kind: 'cached' }, usage.prompt_tokens_details?.cached_tokens ?? 0);
    this.tokens.inc({ model, kind: 'completion' }, usage.completion_tokens);
    if (usage.avg_compl_tok_per_sec > 0) this.speed.observe({ model }, usage.avg_compl_tok_per_sec);
  }

  retried({ code }: EngineError): void {
    this.retries.inc({ code });
  }

  poolChanged(event: PoolEvent): void {
    if (event.type === 'breaker') this.transitions.inc({ member: event.name, to: event.to });
    else if (event.type === 'fallback') this.fallbacks.inc({ member: event.name });
    else this.exhausted.inc();
  }

  statusChanged(status: EngineStatus): void {
    const { model } = status;
    if (status.state === 'failed') this.loads.inc({ model, change: 'failed' });
    if (status.state === 'closed' && this.hosts.delete(model)) this.loads.inc({ model, change: 'unloaded' });
    if (status.state !== 'ready') return;
    const before = this.hosts.get(model);
    if (before === status.hostPid) return;
    this.hosts.set(model, status.hostPid);
    this.loads.inc({ model, change: before === undefined ? 'loaded' : 'restarted' });
  }
}
