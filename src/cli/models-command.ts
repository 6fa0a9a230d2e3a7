import { Command } from 'commander';
import { addConnectOptions, clientOf } from './connect-options.js';
import type { ConnectOptions } from './connect-options.js';
import { plainLine } from './terminal-text.js';

export function modelsCommand(): Command {
  return addConnectOptions(new Command('models'))
    .description('what the server can run')
    .action(async (flags: ConnectOptions) => {
      for (const model of await clientOf(flags).models.list())
        process.stdout.write(`${plainLine(model.id)}\n`);
    });
}
