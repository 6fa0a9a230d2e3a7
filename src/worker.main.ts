import 'reflect-metadata';
import { loadConfig } from './config/config.js';
import { describeFailure } from './describe-failure.js';
import { work } from './serve.js';
import { stopOnSignals } from './until-stopped.js';

async function main(): Promise<void> {
  const starting = work(loadConfig({ ...process.env, GANTRY_WORKER: 'on' }));
  // From the first moment on: a start that is stopped half-way would leave its PostgreSQL running.
  stopOnSignals(async () => (await starting).close());
  await starting;
  process.stdout.write('The Gantry worker takes runs.\n');
}

main().catch((error: unknown) => {
  process.stderr.write(`${describeFailure(error)}\n`);
  process.exit(1);
});
