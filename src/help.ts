import { environmentSchema } from './config/config.js';

/** What `npm start -- --help` prints: every variable with what it takes and its default. */
export function helpText(): string {
  const variables = Object.entries(environmentSchema.shape).map(([name, schema]) => {
    const { data } = schema.safeParse(undefined);
    const isShown = (typeof data === 'string' && data !== '') || typeof data === 'number';
    const shown = isShown ? ` [${data}]` : '';
    return `  ${name.padEnd(34)}${schema.description ?? ''}${shown}`;
  });
  return [
    'Gantry: a self-hosted agent server.',
    '',
    'Usage:',
    '  npm start                set up what is missing and run the server',
    '  npm start -- --help      this text',
    '  node bin/gantry.mjs chat talk to a running server (see node bin/gantry.mjs --help)',
    '',
    'Environment (see .env.example):',
    ...variables,
    '',
  ].join('\n');
}
