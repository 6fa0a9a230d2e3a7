/** What a line means when no question is open. */
export type ChatCommand =
  | { readonly type: 'message'; readonly text: string }
  | { readonly type: 'steer'; readonly text: string }
  | { readonly type: 'tool'; readonly name: string; readonly arguments: Record<string, unknown> }
  | { readonly type: 'files' }
  | { readonly type: 'cancel' | 'quit' | 'help' | 'nothing' }
  | { readonly type: 'mistake'; readonly message: string };

export const CHAT_HELP = [
  '/cancel            stop the run (or Ctrl-C)',
  '/steer <text>      tell the model something while it works',
  '/tool <name> {..}  run a tool of this session yourself',
  '/files             list the files of this session',
  '/quit              leave; runs go on (or Ctrl-C twice, or Ctrl-D)',
].join('\n');

export function parseLine(line: string): ChatCommand {
  const text = line.trim();
  if (text === '') return { type: 'nothing' };
  const [, word, rest = ''] = /^\/(\S+)\s*(.*)$/s.exec(text) ?? [];
  switch (word) {
    case undefined:
      return { type: 'message', text };
    case 'cancel':
    case 'files':
    case 'quit':
    case 'help':
      return { type: word };
    case 'steer':
      return rest === ''
        ? { type: 'mistake', message: '/steer needs a text.' }
        : { type: 'steer', text: rest };
    case 'tool':
      return parseTool(rest);
    default:
      return { type: 'mistake', message: `There is no /${word}. /help lists what there is.` };
  }
}

/** Undefined unless the text is a JSON object. */
export function parseArguments(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

function parseTool(rest: string): ChatCommand {
  const [, name, json = ''] = /^(\S+)\s*(.*)$/s.exec(rest) ?? [];
  if (name === undefined)
    return { type: 'mistake', message: '/tool needs a name, e.g. /tool python {"code": "1 + 1"}' };
  const args = parseArguments(json === '' ? '{}' : json);
  return args === undefined
    ? { type: 'mistake', message: `The arguments of ${name} must be a JSON object.` }
    : { type: 'tool', name, arguments: args };
}
