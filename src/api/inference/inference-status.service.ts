import { Inject, Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { ENGINE } from '../../engine/engine.js';
import type { Engine, EngineStatus } from '../../engine/engine.js';
import { type ModelCardView, modelCardView } from '../../engine/resident/model-card-view.js';
import type { ResidentModel } from '../../engine/resident/resident-model.js';
import { residentView, type ResidentView } from '../../engine/resident/resident-view.js';
import { OPEN_RUN_STATES } from '../../runs/run-state.js';
import type { RunState } from '../../runs/run-state.js';
import { ModelLifecycleService } from './model-lifecycle.service.js';

/** Numbers of open runs by state, of all principals. */
export interface InferenceStatus extends ModelCardView {
  readonly engine: EngineStatus;
  /** The model of requests that name none; null when it is not loaded. Its figures are here too. */
  readonly active_model: string | null;
  readonly is_gguf: boolean;
  readonly context_length: number | null;
  readonly max_context_length: number | null;
  readonly native_context_length: number | null;
  readonly supports_tools: boolean | null;
  readonly supports_reasoning: boolean | null;
  /** Names of models in memory, and of those on their way. */
  readonly loaded: readonly string[];
  readonly loading: readonly string[];
  /** Empty in a process without an engine. */
  readonly models: readonly ResidentView[];
  readonly runs: Readonly<Record<(typeof OPEN_RUN_STATES)[number], number>>;
}

/** Of a process without an engine. */
const NONE: EngineStatus = { state: 'closed', model: '' };
const UNKNOWN = {
  is_gguf: false,
  context_length: null,
  max_context_length: null,
  native_context_length: null,
  supports_tools: null,
  supports_reasoning: null,
};

function modelsStatus(residents: readonly ResidentModel[]): Omit<InferenceStatus, 'engine' | 'runs'> {
  const models = residents.map(residentView);
  const [first] = models;
  const namesOf = (state: string) =>
    models.filter((model) => model.state === state).map(({ model }) => model);
  const { is_gguf, context_length, max_context_length, native_context_length } = first ?? UNKNOWN;
  const { supports_tools, supports_reasoning } = first ?? UNKNOWN;
  return {
    active_model: first === undefined || first.state === 'gone' ? null : first.model,
    ...modelCardView(residents[0]?.status() ?? NONE),
    is_gguf,
    context_length,
    max_context_length,
    native_context_length,
    supports_tools,
    supports_reasoning,
    loaded: namesOf('ready'),
    loading: namesOf('loading'),
    models,
  };
}

@Injectable()
export class InferenceStatusService {
  constructor(
    private readonly dataSource: DataSource,
    @Inject(ENGINE) private readonly engine: Engine,
    private readonly models: ModelLifecycleService,
  ) {}

  async read(): Promise<InferenceStatus> {
    const rows = await this.dataSource.query<{ state: RunState; count: string }[]>(
      'SELECT state, count(*) FROM runs WHERE state = ANY($1) GROUP BY state',
      [OPEN_RUN_STATES],
    );
    const count = (state: RunState) => Number(rows.find((row) => row.state === state)?.count ?? 0);
    return {
      engine: this.engine.status(),
      ...modelsStatus(this.models.residents()),
      runs: {
        queued: count('queued'),
        running: count('running'),
        waiting_approval: count('waiting_approval'),
        waiting_client: count('waiting_client'),
      },
    };
  }
}
