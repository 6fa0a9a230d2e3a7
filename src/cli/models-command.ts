import { Command } from 'commander';
import { addConnectOptions, clientOf } from './connect-options.js';
import type { ConnectOptions } from './connect-options.js';
import { addInspectCommand } from './models/inspect-command.js';
import { addListCommand } from './models/list-command.js';
import { addLoadCommand } from './models/load-command.js';
import { addPullCommand } from './models/pull-command.js';
import { addRemoveCommand } from './models/remove-command.js';
import { addUnloadCommand } from './models/unload-command.js';
import { plainLine } from './terminal-text.js';

export function modelsCommand(): Command {
  const models = new Command('models').description('what the server can run, and the models on this machine');
  addConnectOptions(models.command('served', { isDefault: true }))
    .description('what the server can run')
    .action(served);
  addPullCommand(models);
  addListCommand(models);
  addInspectCommand(models);
  addRemoveCommand(models);
  addLoadCommand(models);
  addUnloadCommand(models);
  return models;
}

async function served(flags: ConnectOptions): Promise<void> {
  for (const model of await clientOf(flags).models.list()) process.stdout.write(`${plainLine(model.id)}\n`);
}
