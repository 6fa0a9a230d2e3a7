import type { HostTool } from '../protocol.js';

/** How a model writes its calls: what stands around their names and their JSON. */
export interface CallSyntax {
  readonly sectionPrefix: string;
  readonly prefix: string;
  readonly paramsPrefix: string;
  readonly suffix: string;
  readonly betweenCalls: string;
  readonly sectionSuffix: string;
}

/** Taught to models whose template knows no calls: many have seen it, and few write it otherwise. */
export const HERMES: CallSyntax = {
  sectionPrefix: '',
  prefix: '<tool_call>\n{"name": "',
  paramsPrefix: '", "arguments": ',
  suffix: '}\n</tool_call>',
  betweenCalls: '\n',
  sectionSuffix: '',
};

const DEEPSEEK_V3_1: CallSyntax = {
  sectionPrefix: '<｜tool▁calls▁begin｜>',
  prefix: '<｜tool▁call▁begin｜>',
  paramsPrefix: '<｜tool▁sep｜>',
  suffix: '<｜tool▁call▁end｜>',
  betweenCalls: '',
  sectionSuffix: '<｜tool▁calls▁end｜>',
};

const DEEPSEEK_R1: CallSyntax = {
  ...DEEPSEEK_V3_1,
  prefix: '<｜tool▁call▁begin｜>function<｜tool▁sep｜>',
  paramsPrefix: '\n```json\n',
  suffix: '\n```<｜tool▁call▁end｜>',
  betweenCalls: '\n',
};

/** Each call has its own opening, and the turn's end closes the last. */
const MISTRAL_SMALL: CallSyntax = {
  sectionPrefix: '',
  prefix: '[TOOL_CALLS]',
  paramsPrefix: '[ARGS]',
  suffix: '',
  betweenCalls: '',
  sectionSuffix: '',
};

const FUNCTION_TAGS: CallSyntax = {
  sectionPrefix: '',
  prefix: '<function=',
  paramsPrefix: '>',
  suffix: '</function>',
  betweenCalls: '',
  sectionSuffix: '',
};

/** What opens a call stands at the end of the prompt already. */
const FUNCTIONARY_3_2: CallSyntax = {
  sectionPrefix: '',
  prefix: '',
  paramsPrefix: '\n',
  suffix: '',
  betweenCalls: '>>>',
  sectionSuffix: '',
};

const THINK = { prefix: '<think>', suffix: '</think>' } as const;
const THINK_ON_LINES = { prefix: '<think>\n', suffix: '\n</think>\n\n' } as const;

/** How a family writes its turns, where the library does not find that out by itself, or takes seconds to. */
export interface FamilySyntax {
  /** `as text`: their arguments are no JSON, so no grammar makes them; they are read from the text afterwards. */
  readonly calls: CallSyntax | 'as text';
  readonly thoughts: { readonly prefix: string; readonly suffix: string } | undefined;
  /** The turn begins with whom it is for: a function's name, or this. */
  readonly toAll?: string;
}

/** By what their templates contain; the first that fits. */
const FAMILIES: readonly (readonly [marks: readonly string[], syntax: FamilySyntax])[] = [
  [['<｜tool▁calls▁begin｜>', '```json'], { calls: DEEPSEEK_R1, thoughts: THINK }],
  [['<｜tool▁calls▁begin｜>'], { calls: DEEPSEEK_V3_1, thoughts: THINK }],
  [
    ['<|tool_call>call:'],
    { calls: 'as text', thoughts: { prefix: '<|channel>thought\n', suffix: '<channel|>' } },
  ],
  [['<arg_key>'], { calls: 'as text', thoughts: THINK }],
  [['[TOOL_CALLS]', '[ARGS]'], { calls: MISTRAL_SMALL, thoughts: undefined }],
  [['>>>all\\n', '<|start_header_id|>'], { calls: FUNCTIONARY_3_2, thoughts: undefined, toAll: 'all\n' }],
  [['<function=', '<|python_tag|>'], { calls: FUNCTION_TAGS, thoughts: undefined }],
  [['<tool_call>\\n{"name": "', '<think>\\n\\n</think>\\n\\n'], { calls: HERMES, thoughts: THINK_ON_LINES }],
];

/** Undefined: the library knows better. */
export function familySyntax(template: string): FamilySyntax | undefined {
  return FAMILIES.find(([marks]) => marks.every((mark) => template.includes(mark)))?.[1];
}

export function writtenCall(
  syntax: CallSyntax,
  { name, arguments: json }: { name: string; arguments: string },
): string {
  return syntax.prefix + name + syntax.paramsPrefix + json + syntax.suffix;
}

/** Tells a model of its tools where its template does not. */
export function toolOffer(tools: readonly HostTool[], syntax: CallSyntax): string {
  const call = writtenCall(syntax, { name: 'NAME', arguments: '{}' });
  return [
    '# Tools\n',
    'You may call these functions:',
    ...tools.map(({ name, description, parameters }) => spacedJson({ name, description, parameters })),
    '\nTo call one, write exactly this, with its name and its arguments as JSON:',
    syntax.sectionPrefix + call + syntax.sectionSuffix,
  ].join('\n');
}

/** JSON with the spaces that Python writes and that models have read most of. */
function spacedJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(spacedJson).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value).map(([key, item]) => `${JSON.stringify(key)}: ${spacedJson(item)}`);
  return `{${members.join(', ')}}`;
}
