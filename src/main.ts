import 'reflect-metadata';
import { loadConfig } from './config/config.js';
import { describeFailure } from './describe-failure.js';
import { helpText } from './help.js';
import { serve } from './serve.js';
import { stopOnSignals } from './until-stopped.js';

function startLine(url: string, newKey: string | undefined): string {
  const key = newKey ?? '<your API key>';
  return [
    '',
    `Gantry is at ${url}`,
    ...(newKey === undefined ? [] : [`API key (shown only now): ${newKey}`]),
    'Talk to it from another terminal, in this directory:',
    '',
    `  node bin/gantry.mjs chat --url ${url} --key ${key}`,
    '',
    '',
  ].join('\n');
}

async function main(): Promise<void> {
  if (process.argv.includes('--help') || process.argv.includes('-h')) {
    process.stdout.write(helpText());
    return;
  }
  const starting = serve(loadConfig(process.env));
  // From the first moment on: a start that is stopped half-way would leave its PostgreSQL running.
  stopOnSignals(async () => (await starting).close());
  const server = await starting;
  process.stdout.write(startLine(server.url, server.newKey));
}

main().catch((error: unknown) => {
  process.stderr.write(`${describeFailure(error)}\n`);
  process.exit(1);
});
