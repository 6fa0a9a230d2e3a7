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

/** In this order: by what a template must contain. */
const SYNTAXES: readonly (readonly [marks: readonly string[], syntax: CallSyntax])[] = [
  [['<｜tool▁calls▁begin｜>', '```json'], DEEPSEEK_R1],
  [['<｜tool▁calls▁begin｜>'], DEEPSEEK_V3_1],
];

/** Of the families whose way the library does not find out by itself; undefined: it does. */
export function callSyntaxOf(template: string): CallSyntax | undefined {
  return SYNTAXES.find(([marks]) => marks.every((mark) => template.includes(mark)))?.[1];
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
