import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CallHealer, type Healed, LONGEST_CALL } from './call-healer.js';
import { OfferedTools } from './offered-tools.js';
import { CODE, EXAMPLES, LEADING, TOOLS } from './written.fixture.js';

const tools = new OfferedTools(TOOLS);

interface Result {
  readonly text: string;
  /** Text and calls as they came. */
  readonly fed: string;
  readonly calls: readonly { readonly name: string; readonly arguments: unknown }[];
  readonly steps: number;
}

function heal(pieces: readonly string[], prefix = '', mostCalls?: number): Result {
  const healer = new CallHealer(tools, prefix, mostCalls);
  const all: Healed[] = [];
  for (const piece of pieces) all.push(...healer.push(piece));
  all.push(...healer.finish());
  return { ...summary(all), steps: healer.steps };
}

function summary(all: readonly Healed[]): Omit<Result, 'steps'> {
  return {
    text: all.map((item) => (item.type === 'text' ? item.text : '')).join(''),
    fed: all.map((item) => (item.type === 'text' ? item.text : item.written)).join(''),
    calls: all.flatMap((item) =>
      item.type === 'calls'
        ? item.calls.map((call) => ({ name: call.name, arguments: JSON.parse(call.arguments) as unknown }))
        : [],
    ),
  };
}

const BROKEN = [
  'unknown tool <tool_call>{"name": "rm", "arguments": {}}</tool_call>',
  '<tool_call>{"name": "python", "arguments": {"other": 1}}</tool_call>',
  '<function=rm><parameter=code>1</parameter></function>',
  '[TOOL_CALLS][{"name": "python", "arguments": {"code": "1"}}, {"name": "rm", "arguments": {}}]',
  '<tool_call>{"name": "python", "arguments": {"code": "1',
  '<｜tool▁calls▁begin｜> nothing',
  'rm[ARGS]{"code": "1"} call:rm{code:"1"}',
  'mypython[ARGS]{"code": "1"} recall:python{code:"1"}',
  'say {"name": "python", "arguments": {"code": "1"}}',
  '<tool_call> and <function=python> are tags',
  '`<tool_call>`',
  '😀<tool_cal😀',
];
const noise = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 12 }),
  fc.constantFrom(
    '<',
    '[',
    '{',
    '}',
    '"',
    "'",
    '\\',
    '`',
    '```',
    '~~~',
    '\n',
    '\n\n',
    '>',
    'python',
    'call:',
    '\uD83D',
  ),
  fc.constantFrom(
    '<tool_call>',
    '</tool_call>',
    '<function=python>',
    '<parameter=code>',
    '</parameter>',
    '</function>',
  ),
  fc.constantFrom(
    '<think>',
    '</think>',
    '<|python_tag|>',
    '[TOOL_CALLS]',
    'python[ARGS]',
    '<|"|>',
    '<arg_key>',
  ),
  fc.constantFrom(...BROKEN, ...EXAMPLES.map(({ text }) => text), ...LEADING.map(({ text }) => text)),
);
const turn = fc.array(noise, { maxLength: 12 }).map((parts) => parts.join(''));
/** Text that can be no part of a call and leaves prose behind it. */
const plain = fc.stringMatching(/^[a-z ,.é😀\n]{0,20}$/u);

describe('a call in every format', () => {
  test.each([...EXAMPLES, ...LEADING])('$what is made', ({ text, calls }) => {
    expect(heal([text])).toMatchObject({ text: '', calls });
  });

  test.each(EXAMPLES)('$what goes alone from the text around it', ({ text, calls }) => {
    fc.assert(
      fc.property(plain, plain, (before, after) => {
        const around = [`${before} `, ` - ${after}`] as const;
        expect(heal([around[0] + text + around[1]])).toMatchObject({ text: around.join(''), calls });
      }),
      { numRuns: 20 },
    );
  });

  test.each([...EXAMPLES, ...LEADING])('$what is the same split anywhere', ({ text, calls }) => {
    for (let at = 0; at <= text.length; at += 1)
      expect(heal([text.slice(0, at), text.slice(at)])).toMatchObject({ text: '', calls });
    expect(heal(text.split(''))).toMatchObject({ text: '', calls });
  });

  test.each(EXAMPLES)('$what is text in code and in thoughts', ({ text }) => {
    const inline = text.includes('`') ? [] : [`say \`${text}\` so`, `\`\` \` ${text} \`\``];
    const texts = [
      `\`\`\`\`\n${text}\n\`\`\`\``,
      `- ~~~xml\n  ${text}\n  ~~~`,
      `<think>\n\n${text}</think>.`,
      `[THINK]${text}[/THINK].`,
      ...inline,
    ];
    for (const whole of texts) expect(heal(whole.split(''))).toMatchObject({ text: whole, calls: [] });
  });

  test.each(EXAMPLES)('$what is made after code and thoughts', ({ text, calls }) => {
    for (const before of [
      '```\nx\n```\n',
      'a `b` ``c ` d`` ',
      '<think>`</think>',
      '~~~\n```\n~~~\n',
      '```js `` ``` ',
    ])
      expect(heal([before + text])).toMatchObject({ text: before, calls });
  });
});

describe('what is no call', () => {
  test.each(BROKEN)('%s', (text) => {
    expect(heal([text])).toMatchObject({ text, calls: [] });
  });

  test('a fence may begin where a thought ends', () => {
    const text = `<think>a</think>\`\`\`\n\n${EXAMPLES[0]?.text}`;
    expect(heal([text])).toMatchObject({ text, calls: [] });
  });

  test('markup in the arguments of a call is data', () => {
    const code = '<tool_call>{"name": "list-files", "arguments": {}}</tool_call>';
    const text = `<tool_call>${JSON.stringify({ name: 'python', arguments: { code } })}</tool_call>`;
    expect(heal([text])).toMatchObject({ text: '', calls: [{ name: 'python', arguments: { code } }] });
  });

  test('a call without its end is made where the turn ends, and not where it is cut', () => {
    const open = '<tool_call>{"name": "python", "arguments": {"code": "1"}';
    expect(heal([open]).calls).toHaveLength(1);
    const healer = new CallHealer(tools, '');
    expect(summary([...healer.push(open), ...healer.giveBack()])).toMatchObject({ text: open, calls: [] });
  });

  test('lost quotes end with the closing mark', () => {
    const text = '<tool_call>{"name": "python", "arguments": {"code": "a"b"}}</tool_call> after';
    expect(heal([text])).toMatchObject({ text: ' after', calls: [{ name: 'python' }] });
  });

  test('a value may hold the tags that end it', () => {
    const code = 'a = "</parameter>"\nb = "</function>"';
    const text = `<function=python><parameter=code>\n${code}\n</parameter></function>`;
    expect(heal([text])).toMatchObject({ text: '', calls: [{ name: 'python', arguments: { code } }] });
  });

  test('more calls than asked for stay text', () => {
    const call = EXAMPLES[0]?.text ?? '';
    expect(heal([call + call], '', 1)).toMatchObject({ text: call, calls: [{ name: 'python' }] });
    const list = EXAMPLES.find(({ calls }) => calls.length === 2)?.text ?? '';
    expect(heal([list], '', 1)).toMatchObject({ text: list, calls: [] });
  });
});

describe('the stream', () => {
  test('any text is the same in any pieces, and loses nothing but its calls', () => {
    fc.assert(
      fc.property(turn, fc.array(fc.nat(200), { maxLength: 20 }), (text, cuts) => {
        const whole = heal([text]);
        expect(heal(text.split(''))).toMatchObject({ text: whole.text, calls: whole.calls });
        const at = cuts.filter((cut) => cut < text.length).sort((a, b) => a - b);
        const pieces = [0, ...at].map((from, index) => text.slice(from, at[index] ?? text.length));
        expect(heal(pieces)).toMatchObject({ text: whole.text, calls: whole.calls });
        expect(whole.fed).toBe(text);
        if (whole.calls.length === 0) expect(whole.text).toBe(text);
      }),
      { numRuns: 500 },
    );
  });

  test('ordinary text comes out as it comes in', () => {
    const healer = new CallHealer(tools, '');
    expect(healer.push('The sea is ')).toEqual([{ type: 'text', text: 'The sea is ' }]);
    expect(healer.push('blue, a < b <')).toEqual([{ type: 'text', text: 'blue, a < b ' }]);
    expect(healer.push('br />.')).toEqual([{ type: 'text', text: '<br />.' }]);
    expect(healer.push('>>> 1')).toEqual([{ type: 'text', text: '>>> 1' }]);
    expect(healer.push('\uD83D')).toEqual([]);
    expect(healer.push('\uDE00')).toEqual([{ type: 'text', text: '😀' }]);
    expect(healer.push('<function=rm>')).toEqual([{ type: 'text', text: '<function=rm>' }]);
  });

  test('an answer in JSON is not held back', () => {
    const healer = new CallHealer(tools, '');
    expect(summary(healer.push('{"name": "Bob", "age"')).text).toBe('{"name": "Bob", "age"');
    const other = new CallHealer(tools, '');
    expect(summary(other.push('{"sea"')).text).toBe('{"sea"');
  });

  test('what grows too long for a call is given back while more comes', () => {
    const healer = new CallHealer(tools, '');
    const text = `<tool_call>{"name": "python", "arguments": {"code": "${'x'.repeat(LONGEST_CALL)}`;
    const { text: out } = summary(healer.push(text));
    expect(text.startsWith(out)).toBe(true);
    expect(out).toHaveLength(text.length);
  });

  test('the text before decides where a call may begin, and begins none itself', () => {
    const call = EXAMPLES[0]?.text ?? '';
    expect(heal([call], '```\n')).toMatchObject({ text: call, calls: [] });
    expect(heal([call], '<think>')).toMatchObject({ text: call, calls: [] });
    expect(heal([call], '```\n```\nSo: ').calls).toEqual([{ name: 'python', arguments: CODE }]);
    expect(heal([call.slice(20)], call.slice(0, 20))).toMatchObject({ text: call.slice(20), calls: [] });
    expect(heal([LEADING[0]?.text ?? ''], 'So: ').calls).toEqual([]);
  });

  test('going on from what was shown gives what would have come', () => {
    fc.assert(
      fc.property(turn, fc.nat(300), (text, cut) => {
        const first = new CallHealer(tools, '');
        const shown = summary(first.push(text.slice(0, cut)));
        fc.pre(shown.calls.length === 0);
        const rest = heal([text.slice(shown.text.length)], shown.text);
        const whole = heal([text]);
        expect(shown.text + rest.text).toBe(whole.text);
        expect(rest.calls).toEqual(whole.calls);
      }),
      { numRuns: 500 },
    );
  });
});

describe('the work is linear', () => {
  const long = (unit: string): string => unit.repeat(Math.ceil(200_000 / unit.length));
  const STEPS_PER_UNIT = 20;

  test.each([
    '<',
    '`',
    ' ',
    '[TOOL_CALLS]',
    '<tool_call>',
    '<tool_call>{',
    '<tool_call>{"a":"',
    '<tool_call>{"name":"python","arguments":{"code":"a"b"}}</tool_call>',
    '<function=python><parameter=code>',
    '<function=python><parameter=code></parameter>   ',
    '<function=python></function>      ',
    '<|start|>assistant',
    'python[ARG',
    'pythonpython',
    'call:python{<|"|>',
    '<｜tool▁call▁begin｜>python<｜tool▁sep｜>{}      ',
    '<tool_call>python<arg_key>',
    '<tool_call>{"name":"python","arguments":{"code":"1"}\\\'}</tool_call>',
    ...EXAMPLES.map(({ text }) => text),
  ])('%s over and over', (unit) => {
    const text = long(unit);
    expect(heal([text]).steps).toBeLessThan(text.length * STEPS_PER_UNIT);
  });

  test('any text', () => {
    fc.assert(
      fc.property(turn, (text) => {
        const repeated = long(text || ' ');
        expect(heal([repeated]).steps).toBeLessThan(repeated.length * STEPS_PER_UNIT);
      }),
      { numRuns: 20 },
    );
  });
});
