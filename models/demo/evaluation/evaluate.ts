import type { Engine } from '../../../src/engine/engine.js';
import { EngineError } from '../../../src/engine/engine-error.js';
import type { SandboxProvider } from '../../../src/sandbox/sandbox.js';
import type { Tool } from '../../../src/tools/tool.js';
import { Conversation } from './conversation.js';
import type { EvaluationCase } from './evaluation-case.js';
import { followTurn } from './generated-turn.js';
import { MemoryWorkspace } from './memory-workspace.js';
import { Toolbox } from './toolbox.js';
import { speakTurn, type TurnReport } from './written-turn.js';

/** What all dialogues share. */
export interface Setting {
  readonly engine: Engine;
  /** Tokens. */
  readonly contextSize: number;
  readonly product: readonly Tool[];
  readonly web: readonly Tool[];
  readonly sandboxes: SandboxProvider;
}

/** Speaks one dialogue from beginning to end; a turn that the engine refuses, for want of context, is a miss. */
export async function speakCase(one: EvaluationCase, setting: Setting): Promise<readonly TurnReport[]> {
  const { engine, contextSize, product, web, sandboxes } = setting;
  const workspace = new MemoryWorkspace(sandboxes, one.id, one.files);
  try {
    const toolbox = new Toolbox(one, product, web, workspace, contextSize);
    const conversation = new Conversation(engine, one.id, toolbox.specs(), one.thinking, one.system);
    const speakers =
      one.kind === 'written'
        ? one.turns.map((turn) => () => speakTurn(turn, conversation, toolbox, workspace))
        : one.turns.map((turn) => () => followTurn(turn, conversation, toolbox));
    const reports: TurnReport[] = [];
    for (const speak of speakers) reports.push(await speak().catch(engineFailure));
    return reports;
  } finally {
    await workspace.close();
  }
}

function engineFailure(error: unknown): TurnReport {
  if (!(error instanceof EngineError)) throw error;
  return {
    faults: [`the engine failed: ${error.message}`],
    transcript: [],
    wantsNoCall: false,
    calls: 0,
    invalidCalls: 0,
    completionTokens: 0,
  };
}

/** What was said, with a line `MISS:` for each fault. */
export function transcriptOf(one: EvaluationCase, reports: readonly TurnReport[]): string {
  const turns = reports.map(({ faults, transcript }) =>
    [...transcript, ...faults.map((fault) => `MISS: ${fault}`)].join('\n'),
  );
  return `## ${one.id} (${one.family}${one.thinking ? ', thinking' : ''})\n${turns.join('\n')}\n\n`;
}
