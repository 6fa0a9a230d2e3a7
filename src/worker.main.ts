import 'reflect-metadata';
import { loadConfig } from './config/config.js';
import { describeFailure } from './describe-failure.js';
import { work } from './serve.js';
import { stopOnSignals } from './until-stopped.js';

async function main(): Promise<void> {
  const worker = await work(loadConfig({ ...process.env, GANTRY_WORKER: 'on' }));
  stopOnSignals(() => worker.close());
  process.stdout.write('The Gantry worker takes runs.\n');
}

main().catch((error: unknown) => {
  process.stderr.write(`${describeFailure(error)}\n`);
  process.exit(1);
});
