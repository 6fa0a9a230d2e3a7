import type { Command } from 'commander';
import { type InspectedModel, inspectModel } from '../../models/inspect-model.js';
import { plainLine } from '../terminal-text.js';
import { addHomeOptions, type HomeOptions, nameOf, placeOf } from './home-options.js';
import { countText, sizeText } from './sizes.js';

export function addInspectCommand(models: Command): void {
  addHomeOptions(models.command('inspect <name>'))
    .description('what a model on this machine is, from its header: demo, a path, a name of the list, or hf:')
    .action(inspect);
}

async function inspect(text: string, flags: HomeOptions): Promise<void> {
  const model = await inspectModel(nameOf(text), placeOf(flags).modelsDirectory);
  const lines = flags.json ? [JSON.stringify(model)] : describe(model);
  process.stdout.write(`${lines.join('\n')}\n`);
}

function describe({ facts, files, source }: InspectedModel): readonly string[] {
  const { template } = facts;
  const rows: readonly (readonly [string, string | number | undefined])[] = [
    ['title', facts.title],
    ['fetched from', source],
    ['architecture', facts.architecture],
    ['parameters', countText(facts.parameters)],
    ['quantization', facts.quantization],
    ['size', sizeText(facts.bytes)],
    ['context', facts.contextLength],
    ['layers', facts.layers],
    ['embedding', facts.embeddingLength],
    ['tokenizer', facts.tokenizer],
    ['vocabulary', facts.vocabularySize],
    ['chat template', template?.family ?? 'none'],
    ['tools', yesOrNo(template?.tools)],
    ['thoughts', yesOrNo(template?.thoughts)],
    ['license', facts.license],
    ['GGUF version', facts.version],
  ];
  return [
    ...rows.map(([title, value]) => `${title.padEnd(16)}${plainLine(String(value ?? '-'))}`),
    ...files.map(({ path, bytes, sha256 }) =>
      plainLine(
        `file            ${path}  ${sizeText(bytes)}  ${sha256 === undefined ? '' : `sha256:${sha256}`}`,
      ).trimEnd(),
    ),
  ];
}

function yesOrNo(value: boolean | undefined): string {
  return value === true ? 'yes' : 'no';
}
