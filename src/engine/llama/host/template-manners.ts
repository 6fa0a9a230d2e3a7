import { messageOf } from '../../../errors.js';
import { TookTooLong } from './within-time.js';

/** What a template takes of a conversation, and how; learnt by trying, since templates tell it in no other way. */
export interface TemplateManners {
  /** Without tools: some fail unless there is a list of them. */
  readonly noTools: 'no list' | 'empty list';
  readonly system: 'message' | 'in the next message';
  readonly offer: 'by template' | 'in system message';
  /** `text`: as the model wrote them, which keeps its KV cache valid; some would quote that again. */
  readonly arguments: 'text' | 'object';
  readonly ids: 'any' | 'nine characters';
  /** How many calls a turn holds; `written`: none, calls and results are written as text. */
  readonly calls: 'together' | 'one by one' | 'written';
  readonly thoughts: 'reasoning_content' | 'reasoning' | 'thinking';
  /** Where text goes that comes with thoughts and calls. */
  readonly textBesideThoughts: 'content' | 'in the thoughts';
  readonly turns: 'any' | 'alternating';
}

type Render = (values: Readonly<Record<string, unknown>>) => string;
type Message = Readonly<Record<string, unknown>>;

const USER: Message = { role: 'user', content: 'probe-user' };
const OFFERED = {
  type: 'function',
  function: {
    name: 'probe_offered',
    description: 'probe',
    parameters: {
      type: 'object',
      properties: { probe_key: { type: 'string', description: 'probe' } },
      required: ['probe_key'],
    },
  },
};
const IDS = {
  any: ['call_probe_one', 'call_probe_two'],
  'nine characters': ['probe0001', 'probe0002'],
} as const;
const ARGUMENTS = { text: '{"probe_key": "x"}', object: { probe_key: 'x' } } as const;
const THOUGHT_FIELDS = ['reasoning_content', 'reasoning', 'thinking'] as const;

/** What cannot be found out is taken to be as most templates have it. Throws TookTooLong. */
export function learnManners(render: Render): TemplateManners {
  const attempt = (messages: readonly Message[], more: Message = {}): string => {
    try {
      return render({ messages, add_generation_prompt: true, ...more });
    } catch (error) {
      if (error instanceof TookTooLong) throw error;
      return '';
    }
  };
  const noTools = attempt([USER]) === '' && attempt([USER], { tools: [] }) !== '' ? 'empty list' : 'no list';
  const bare = noTools === 'empty list' ? { tools: [] } : {};
  const tried = (...messages: readonly Message[]): string => attempt(messages, bare);
  const system = tried({ role: 'system', content: 'probe-system' }, USER).includes('probe-system')
    ? 'message'
    : 'in the next message';
  const offer = attempt([USER], { tools: [OFFERED] }).includes('probe_offered')
    ? 'by template'
    : 'in system message';
  return {
    noTools,
    system,
    offer,
    ...learnCalls(tried),
    turns: tried(USER, USER) === '' && tried(USER) !== '' ? 'alternating' : 'any',
  };
}

/** Why nothing can be said to a model of this template: the first thing that it threw. Undefined: something can. */
export function whyUnusable(render: Render): string | undefined {
  let why: string | undefined;
  for (const messages of [[USER], [{ role: 'system', content: 'probe' }, USER]]) {
    for (const tools of [{}, { tools: [] }]) {
      try {
        if (render({ messages, add_generation_prompt: true, ...tools }).trim() !== '') return undefined;
        why ??= 'it renders nothing';
      } catch (error) {
        if (error instanceof TookTooLong) return error.message;
        why ??= messageOf(error);
      }
    }
  }
  return why;
}

type Tried = (...messages: readonly Message[]) => string;
type CallManners = Pick<TemplateManners, 'arguments' | 'ids' | 'calls' | 'thoughts' | 'textBesideThoughts'>;

function learnCalls(tried: Tried): CallManners {
  const ids = (['any', 'nine characters'] as const).find((one) => argumentForm(tried, one) !== undefined);
  const form = ids === undefined ? undefined : argumentForm(tried, ids);
  if (form === undefined || ids === undefined) {
    return { arguments: 'text', ids: 'any', calls: 'written', ...learnThoughts(tried, []) };
  }
  const both = tried(USER, ...turnWith(calls(2, form, ids)));
  const isTogether = both.includes('probe_one') && both.includes('probe_two');
  return {
    arguments: form,
    ids,
    calls: isTogether ? 'together' : 'one by one',
    ...learnThoughts(tried, calls(1, form, ids)),
  };
}

function learnThoughts(
  tried: Tried,
  made: readonly Call[],
): Pick<CallManners, 'thoughts' | 'textBesideThoughts'> {
  const withThought = (field: string, content: string): string =>
    tried(USER, ...turnWith(made, { content, [field]: 'probe-thought' }));
  const thoughts = THOUGHT_FIELDS.find((field) => withThought(field, '').includes('probe-thought'));
  return {
    thoughts: thoughts ?? 'reasoning_content',
    textBesideThoughts:
      thoughts !== undefined && withThought(thoughts, 'probe-text') === '' ? 'in the thoughts' : 'content',
  };
}

/** Text is better where it makes no difference; some quote it again. Undefined: calls are not shown at all. */
function argumentForm(tried: Tried, ids: keyof typeof IDS): keyof typeof ARGUMENTS | undefined {
  const [text, object] = (['text', 'object'] as const).map((form) =>
    tried(USER, ...turnWith(calls(1, form, ids))),
  );
  const shows = (rendered = ''): boolean => rendered.includes('probe_one') && rendered.includes('probe_key');
  if (!shows(object)) return shows(text) ? 'text' : undefined;
  return text === object ? 'text' : 'object';
}

interface Call {
  readonly id: string;
  readonly type: 'function';
  readonly function: { readonly name: string; readonly arguments: unknown };
}

function calls(count: 1 | 2, form: keyof typeof ARGUMENTS, ids: keyof typeof IDS): Call[] {
  return (['probe_one', 'probe_two'] as const).slice(0, count).map((name, index) => ({
    id: IDS[ids][index] as string,
    type: 'function',
    function: { name, arguments: ARGUMENTS[form] },
  }));
}

function turnWith(made: readonly Call[], more: Message = {}): Message[] {
  return [
    { role: 'assistant', content: '', ...(made.length === 0 ? {} : { tool_calls: made }), ...more },
    ...made.map(({ id, function: { name } }) => ({ role: 'tool', tool_call_id: id, name, content: 'probe' })),
  ];
}
