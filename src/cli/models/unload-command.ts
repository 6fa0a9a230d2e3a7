import type { Command } from 'commander';
import { addConnectOptions, clientOf, type ConnectOptions } from '../connect-options.js';
import { plainLine } from '../terminal-text.js';

interface UnloadOptions extends ConnectOptions {
  readonly force?: true;
}

export function addUnloadCommand(models: Command): void {
  addConnectOptions(models.command('unload <name>'))
    .description('have the server take a model out of memory')
    .option('--force', 'end what the model is working on')
    .action(unload);
}

async function unload(name: string, flags: UnloadOptions): Promise<void> {
  await clientOf(flags).models.unload(name, flags.force === true ? { force_cancel_active: true } : {});
  process.stdout.write(`${plainLine(name)} is unloaded.\n`);
}
