import type { ToolSpec } from '../../engine/engine.js';

/** The tools that the examples call. */
export const TOOLS: readonly ToolSpec[] = [
  {
    name: 'python',
    description: '',
    parameters: {
      type: 'object',
      properties: { code: { type: 'string' }, seconds: { type: 'integer' } },
      required: ['code'],
      additionalProperties: false,
    },
  },
  { name: 'list-files', description: '', parameters: { type: 'object', properties: {} } },
];

export const CODE = { code: 'print("{<3}")' };
const PRINT = JSON.stringify(CODE);
const BOTH = { code: 'print(1)\nif a < b:\n    print("</function>")', seconds: 5 };
const ESCAPED = JSON.stringify(BOTH);
const envelope = `{"name": "python", "arguments": ${PRINT}}`;
const sep = '<｜tool▁sep｜>';
const begin = '<｜tool▁call▁begin｜>';
const end = '<｜tool▁call▁end｜>';

export interface Example {
  readonly what: string;
  readonly text: string;
  readonly calls: readonly { readonly name: string; readonly arguments: unknown }[];
}

function example(what: string, text: string, args: unknown = CODE, name = 'python'): Example {
  return { what, text, calls: [{ name, arguments: args }] };
}

/** One of every format, as the families write it. */
export const EXAMPLES: readonly Example[] = [
  example('Hermes', `<tool_call>\n${envelope}\n</tool_call>`),
  example('Hermes, parameters', `<tool_call>{"parameters": ${PRINT}, "name": "python"}</tool_call>`),
  example('Hermes, arguments in a string', `<tool_call>${stringly()}</tool_call>`),
  example('Hermes, no arguments', '<tool_call>{"name": "list-files"}</tool_call>', {}, 'list-files'),
  example('Hermes, a brace too many', `<tool_call>${envelope}}\n</tool_call>`),
  example('Hermes, a brace too few', `<tool_call>${envelope.slice(0, -1)}</tool_call>`),
  example('Hermes, broken quotes', `<tool_call>{'name': 'python', 'arguments': {code: '1'}}</tool_call>`, {
    code: '1',
  }),
  example(
    'Qwen coder',
    functionTags('<function=python>', '<parameter=code>', '<parameter=seconds>', 'parameter'),
    BOTH,
  ),
  example(
    'Qwen coder in its wrapper',
    `<tool_call>\n${functionTags('<function=python>', '<parameter=code>', '<parameter=seconds>', 'parameter')}\n</tool_call>`,
    BOTH,
  ),
  example('no parameters', '<function=list-files>\n</function>', {}, 'list-files'),
  example('Llama function', `<function=python>${PRINT}</function>`),
  example(
    'attributes',
    functionTags('<function name="python">', '<param name="code">', "<param name='seconds'>", 'param'),
    BOTH,
  ),
  example(
    'GLM',
    `<tool_call>python\n${keyed('code', BOTH.code)}\n${keyed('seconds', '5')}\n</tool_call>`,
    BOTH,
  ),
  example('python_tag, JSON', `<|python_tag|>${envelope}<|eom_id|>`),
  example('python_tag, keywords', `<|python_tag|>python.call(code="print(1)", seconds=5)`, {
    code: 'print(1)',
    seconds: 5,
  }),
  {
    what: 'Mistral, a list',
    text: `[TOOL_CALLS][${envelope}, {"name": "list-files", "arguments": {}}]`,
    calls: [
      { name: 'python', arguments: CODE },
      { name: 'list-files', arguments: {} },
    ],
  },
  example('Mistral, name and JSON', `[TOOL_CALLS]python${PRINT}</s>`),
  example('Mistral, marks', `[TOOL_CALLS]python[CALL_ID]a1B2c3D4e[ARGS]${PRINT}`),
  example('Mistral, no opener', `python[ARGS]${PRINT}`),
  example('Gemma', `<|tool_call>call:python{code:<|"|>${BOTH.code}<|"|>,seconds:5}<tool_call|>`, BOTH),
  example('Gemma, no opener', `call:python{code:"1"}`, { code: '1' }),
  example(
    'DeepSeek V3',
    `<｜tool▁calls▁begin｜>${begin}function${sep}python\n\`\`\`json\n${PRINT}\n\`\`\`${end}<｜tool▁calls▁end｜>`,
  ),
  example('DeepSeek V3.1', `<｜tool▁calls▁begin｜>${begin}python${sep}${PRINT}${end}<｜tool▁calls▁end｜>`),
  ...[
    '<｜tool_calls_begin｜>',
    '<｜tool calls begin｜>',
    '<｜tool\\_calls\\_begin｜>',
    '<｜tool▁calls｜>',
    '',
  ].map((opener) =>
    example(`DeepSeek, ${opener || 'no section'}`, `${opener}${begin}python${sep}${PRINT}${end}`),
  ),
  example(
    'Kimi',
    `<|tool_calls_section_begin|><|tool_call_begin|>functions.python:0<|tool_call_argument_begin|>${PRINT}<|tool_call_end|><|tool_calls_section_end|>`,
  ),
  example(
    'Harmony',
    `<|channel|>commentary to=functions.python <|constrain|>json<|message|>${PRINT}<|call|>`,
  ),
  example(
    'Harmony, recipient first',
    `<|start|>assistant to=functions.python<|channel|>commentary json<|message|>${ESCAPED}<|call|>`,
    BOTH,
  ),
  {
    what: 'Functionary',
    text: `>>>python\n${PRINT}>>>list-files\n{}`,
    calls: [
      { name: 'python', arguments: CODE },
      { name: 'list-files', arguments: {} },
    ],
  },
];

/** Calls only where a turn begins with them. */
export const LEADING: readonly Example[] = [
  example('bare JSON', envelope),
  example('bare JSON, Llama', `{"type": "function", "name": "python", "parameters": ${PRINT}};`),
  example('bare JSON, nested', `{"type": "function", "function": ${envelope}}`),
];

function stringly(): string {
  return JSON.stringify({ name: 'python', arguments: PRINT });
}

function functionTags(opener: string, code: string, seconds: string, tag: string): string {
  return `${opener}\n${code}\n${BOTH.code}\n</${tag}>\n${seconds}\n5\n</${tag}>\n</function>`;
}

function keyed(key: string, value: string): string {
  return `<arg_key>${key}</arg_key>\n<arg_value>${value}</arg_value>`;
}
