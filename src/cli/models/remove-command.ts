import type { Command } from 'commander';
import { removeModel } from '../../models/remove-model.js';
import { plainLine } from '../terminal-text.js';
import { addHomeOptions, type HomeOptions, nameOf, placeOf } from './home-options.js';
import { sizeText } from './sizes.js';

export function addRemoveCommand(models: Command): void {
  addHomeOptions(models.command('rm <name>'))
    .description('remove a model and all its files from the models folder: a name of the list, or hf:')
    .action(remove);
}

async function remove(text: string, flags: HomeOptions): Promise<void> {
  const removed = await removeModel(nameOf(text), placeOf(flags).modelsDirectory);
  if (flags.json) {
    process.stdout.write(`${JSON.stringify(removed)}\n`);
    return;
  }
  for (const path of removed.paths) process.stdout.write(`${plainLine(path)}\n`);
  process.stdout.write(`${sizeText(removed.bytes)} are free again.\n`);
}
