import type { Command } from 'commander';
import { demoModelPath } from '../../models/demo-model.js';
import { listModels, type LocalModel } from '../../models/local-models.js';
import { type ModelFacts, modelFacts } from '../../models/model-facts.js';
import { readModelFiles } from '../../models/read-model-files.js';
import { messageOf } from '../../errors.js';
import { plainLine } from '../terminal-text.js';
import { addHomeOptions, type HomeOptions, placeOf } from './home-options.js';
import { sizeText } from './sizes.js';

export function addListCommand(models: Command): void {
  addHomeOptions(models.command('list')).description('models on this machine').action(list);
}

interface Row {
  readonly name: string;
  readonly path: string;
  readonly bytes: number;
  readonly quantization: string | undefined;
  readonly contextLength: number | undefined;
  readonly changedAt: string | undefined;
  /** What keeps it from being used. */
  readonly problem: string | undefined;
}

async function list(flags: HomeOptions): Promise<void> {
  const local = await listModels(placeOf(flags).modelsDirectory);
  const rows = await Promise.all([demoRow(), ...local.map(rowOf)]);
  const lines = flags.json ? rows.map((row) => JSON.stringify(row)) : table(rows);
  process.stdout.write(`${lines.join('\n')}\n`);
}

async function demoRow(): Promise<Row> {
  const path = demoModelPath();
  const { facts, problem } = await factsOf(path);
  return { ...columns(facts), name: 'demo', path, changedAt: undefined, problem };
}

async function rowOf(model: LocalModel): Promise<Row> {
  const { name, path, unfinishedBytes } = model;
  const changedAt = model.changedAt?.toISOString();
  const common = { name, path, changedAt };
  if (unfinishedBytes > 0) {
    const problem = `not fetched to its end: ${sizeText(model.bytes + unfinishedBytes)} are there`;
    return { ...columns(undefined), ...common, bytes: model.bytes + unfinishedBytes, problem };
  }
  const { facts, problem } = await factsOf(path);
  return { ...columns(facts), ...common, bytes: model.bytes, problem };
}

function columns(facts: ModelFacts | undefined): Pick<Row, 'bytes' | 'quantization' | 'contextLength'> {
  return {
    bytes: facts?.bytes ?? 0,
    quantization: facts?.quantization,
    contextLength: facts?.contextLength,
  };
}

interface FactsOrProblem {
  readonly facts: ModelFacts | undefined;
  readonly problem: string | undefined;
}

async function factsOf(path: string): Promise<FactsOrProblem> {
  try {
    return { facts: modelFacts(await readModelFiles(path)), problem: undefined };
  } catch (error) {
    return { facts: undefined, problem: messageOf(error) };
  }
}

function table(rows: readonly Row[]): readonly string[] {
  const cells = rows.map((row) => [
    plainLine(row.name),
    sizeText(row.bytes),
    row.quantization ?? '-',
    row.contextLength === undefined ? '-' : String(row.contextLength),
    row.changedAt?.slice(0, 16).replace('T', ' ') ?? '-',
    plainLine(row.problem ?? ''),
  ]);
  const all = [['name', 'size', 'quantization', 'context', 'since', ''], ...cells];
  const widths = all[0]?.map((_, column) => Math.max(...all.map((row) => (row[column] ?? '').length))) ?? [];
  return all.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}
