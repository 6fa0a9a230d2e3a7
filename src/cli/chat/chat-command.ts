import { createInterface } from 'node:readline';
import type { Interface } from 'node:readline';
import { Command, InvalidArgumentError, Option } from 'commander';
import type { GantryClient } from '../../client/gantry-client.js';
import type { AgentPermission } from '../../runs/run-request.js';
import { addConnectOptions, clientOf } from '../connect-options.js';
import type { ConnectOptions } from '../connect-options.js';
import { COLOUR_STYLE, PLAIN_STYLE } from '../style.js';
import { Chat } from './chat.js';
import type { ChatTerminal } from './chat.js';
import { editText } from './edit-text.js';

interface ChatFlags extends ConnectOptions {
  readonly session?: string;
  readonly afterSeq: number;
  readonly permission: AgentPermission;
  readonly model?: string;
  readonly save: string;
}

export function chatCommand(): Command {
  return addConnectOptions(new Command('chat'))
    .description('talk to a model; lines come from the terminal or from a pipe')
    .option('--session <id>', 'go on with this session')
    .option('--after-seq <n>', 'show what came after this seq', toSeq, 0)
    .addOption(
      new Option('--permission <mode>', 'whether tools ask before they run')
        .choices(['auto', 'ask', 'deny'])
        .default('ask'),
    )
    .option('--model <name>', 'instead of the one the server has loaded')
    .option('--save <folder>', 'where files go', './gantry-files')
    .action(async (flags: ChatFlags) => {
      process.exitCode = await chat(flags);
    });
}

async function chat(flags: ChatFlags): Promise<number> {
  let running: Chat | undefined;
  const client: GantryClient = clientOf(flags, { onStatus: (status) => running?.showStatus(status) });
  await client.connect();
  const isTty = process.stdin.isTTY && process.stdout.isTTY;
  const input = createInterface({
    input: process.stdin,
    ...(isTty && { output: process.stdout }),
    terminal: isTty,
    crlfDelay: Infinity,
  });
  const options = {
    sessionId: flags.session,
    afterSeq: flags.afterSeq,
    permission: flags.permission,
    model: flags.model,
    saveFolder: flags.save,
  };
  const hasColours = isTty && process.env['NO_COLOR'] === undefined;
  running = new Chat(client, options, terminalOf(input, isTty), hasColours ? COLOUR_STYLE : PLAIN_STYLE);
  const conversation = running;
  const interrupt = () => conversation.interrupt();
  input.on('line', (line) => conversation.line(line));
  input.on('close', () => conversation.inputEnded());
  input.on('SIGINT', interrupt);
  process.on('SIGINT', interrupt);
  try {
    return await conversation.end;
  } finally {
    process.off('SIGINT', interrupt);
    input.close();
    client.close();
  }
}

function terminalOf(input: Interface, isTty: boolean): ChatTerminal {
  return {
    isTty,
    write: (text) => void process.stdout.write(text),
    prompt: (text) => {
      if (isTty) {
        input.setPrompt(text);
        input.prompt(true);
      } else process.stdout.write(text);
    },
    edit: async (text) => {
      const editor = process.env['VISUAL'] ?? process.env['EDITOR'];
      if (!isTty || editor === undefined || editor === '') return undefined;
      input.pause();
      const edited = await editText(editor, text);
      input.resume();
      return edited;
    },
  };
}

function toSeq(text: string): number {
  const seq = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(seq))
    throw new InvalidArgumentError('expected a whole number from 0 on.');
  return seq;
}
