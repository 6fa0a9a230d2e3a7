import { Inject, Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { ENGINE } from '../../engine/engine.js';
import type { Engine, EngineStatus } from '../../engine/engine.js';
import { OPEN_RUN_STATES } from '../../runs/run-state.js';
import type { RunState } from '../../runs/run-state.js';

/** Numbers of open runs by state, of all principals. */
export interface InferenceStatus {
  readonly engine: EngineStatus;
  readonly runs: Readonly<Record<(typeof OPEN_RUN_STATES)[number], number>>;
}

@Injectable()
export class InferenceStatusService {
  constructor(
    private readonly dataSource: DataSource,
    @Inject(ENGINE) private readonly engine: Engine,
  ) {}

  async read(): Promise<InferenceStatus> {
    const rows = await this.dataSource.query<{ state: RunState; count: string }[]>(
      'SELECT state, count(*) FROM runs WHERE state = ANY($1) GROUP BY state',
      [OPEN_RUN_STATES],
    );
    const count = (state: RunState) => Number(rows.find((row) => row.state === state)?.count ?? 0);
    return {
      engine: this.engine.status(),
      runs: {
        queued: count('queued'),
        running: count('running'),
        waiting_approval: count('waiting_approval'),
        waiting_client: count('waiting_client'),
      },
    };
  }
}
