import 'reflect-metadata';
import { ConfigError, loadConfig } from './config/config.js';
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
  if (process.argv.includes('--help')) {
    process.stdout.write(helpText());
    return;
  }
  const server = await serve(loadConfig(process.env));
  stopOnSignals(() => server.close());
  process.stdout.write(startLine(server.url, server.newKey));
}

main().catch((error: unknown) => {
  process.stderr.write(error instanceof ConfigError ? `${error.message}\n` : `${describe(error)}\n`);
  process.exit(1);
});

function describe(error: unknown): string {
  if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') {
    return `${error.message}. Another program has the port; set PORT to another one (0 picks a free one).`;
  }
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
