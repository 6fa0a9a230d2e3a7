import { Command, CommanderError } from 'commander';
import { GantryClientError } from '../client/client-error.js';
import { messageOf } from '../errors.js';
import { ModelError } from '../models/model-error.js';
import { approvalsCommand } from './approvals-command.js';
import { chatCommand } from './chat/chat-command.js';
import { UsageError } from './connect-options.js';
import { modelsCommand } from './models-command.js';
import { serveCommand } from './serve-command.js';
import { sessionsCommand } from './sessions-command.js';
import { plainText } from './terminal-text.js';

/** Exit codes: 0 done, 1 refused by the server or failed, 2 a wrong command line or no connection. */
async function main(): Promise<void> {
  const program = new Command('gantry')
    .description('A self-hosted agent server and its client.')
    .showHelpAfterError()
    .exitOverride();
  for (const command of [
    serveCommand(),
    chatCommand(),
    sessionsCommand(),
    approvalsCommand(),
    modelsCommand(),
  ])
    program.addCommand(withOwnExitCodes(command));
  try {
    await program.parseAsync();
  } catch (error) {
    process.exitCode = exitCodeOf(error);
    if (!(error instanceof CommanderError)) process.stderr.write(`${plainText(textOf(error))}\n`);
  }
}

/** Commander would end the process by itself, with codes of its own. */
function withOwnExitCodes(command: Command): Command {
  for (const inner of command.commands) withOwnExitCodes(inner);
  return command.exitOverride();
}

function textOf(error: unknown): string {
  const hint = error instanceof ModelError ? error.hint : undefined;
  return hint === undefined ? messageOf(error) : `${messageOf(error)}\n${hint}`;
}

function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (error instanceof UsageError) return 2;
  if (error instanceof GantryClientError) return error.kind === 'request_failed' ? 1 : 2;
  return 1;
}

await main();
