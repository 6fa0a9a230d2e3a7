import type { Command } from 'commander';
import { pullModel } from '../../models/pull-model.js';
import { UsageError } from '../connect-options.js';
import { plainLine } from '../terminal-text.js';
import { addHomeOptions, type HomeOptions, nameOf, placeOf } from './home-options.js';
import { barReport, jsonReport, lineReport, type PullReport } from './pull-report.js';

const INTERRUPTED = 130;

export function addPullCommand(models: Command): void {
  addHomeOptions(models.command('pull <name>'))
    .description(
      'fetch hf:owner/repo[:quantization | /file.gguf][@revision]; goes on where an earlier try stopped',
    )
    .action(pull);
}

async function pull(text: string, flags: HomeOptions): Promise<void> {
  const name = nameOf(text);
  if (name.kind !== 'hub') {
    throw new UsageError(`${text} is on this machine or nowhere; only hf:owner/repo can be fetched.`);
  }
  const report = reportFor(flags);
  const interrupt = new AbortController();
  const onInterrupt = (): void => interrupt.abort(new Error('interrupted'));
  process.once('SIGINT', onInterrupt).once('SIGTERM', onInterrupt);
  try {
    const pulled = await pullModel(name, {
      ...placeOf(flags),
      signal: interrupt.signal,
      onEvent: report.show,
    });
    report.end();
    process.stdout.write(
      flags.json ? `${JSON.stringify({ type: 'done', ...pulled })}\n` : `${plainLine(pulled.path)}\n`,
    );
  } catch (error) {
    report.end();
    if (!interrupt.signal.aborted) throw error;
    process.stderr.write('Stopped. What was fetched is kept; the same command goes on from there.\n');
    process.exitCode = INTERRUPTED;
  } finally {
    process.off('SIGINT', onInterrupt).off('SIGTERM', onInterrupt);
  }
}

/** Progress goes to standard error, so that standard output has the path alone; as JSON all of it is output. */
function reportFor({ json }: HomeOptions): PullReport {
  if (json) return jsonReport((text) => process.stdout.write(text));
  const write = (text: string): boolean => process.stderr.write(text);
  return process.stderr.isTTY ? barReport(write) : lineReport(write);
}
