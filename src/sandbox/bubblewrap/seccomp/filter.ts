import type { Condition, Rule } from './rules.js';
import { FOREIGN_CALL_ERROR, RULES, UNKNOWN_CALL_ERROR } from './rules.js';
import { ARCHITECTURES, FIRST_UNKNOWN_CALL, numberOf, type Architecture } from './system-calls.js';

/** One instruction of classic BPF, as in Linux's `struct sock_filter`. */
export interface Instruction {
  readonly code: number;
  readonly whenTrue: number;
  readonly whenFalse: number;
  readonly operand: number;
}

export const OPCODES = { load: 0x20, equal: 0x15, atLeast: 0x35, anyBit: 0x45, answer: 0x06 } as const;
export const ANSWERS = { allow: 0x7fff0000, error: 0x00050000 } as const;

/** Offsets in `struct seccomp_data`; the low half of an argument comes first on both architectures. */
const NUMBER_AT = 0;
const ARCHITECTURE_AT = 4;
const ARGUMENTS_AT = 16;
const ARGUMENT_BYTES = 8;
const INSTRUCTION_BYTES = 8;

function load(operand: number): Instruction {
  return { code: OPCODES.load, whenTrue: 0, whenFalse: 0, operand };
}

function jump(
  code: (typeof OPCODES)['equal' | 'atLeast' | 'anyBit'],
  operand: number,
  whenTrue: number,
  whenFalse: number,
): Instruction {
  return { code, operand, whenTrue, whenFalse };
}

function answer(operand: number): Instruction {
  return { code: OPCODES.answer, whenTrue: 0, whenFalse: 0, operand };
}

const allow = answer(ANSWERS.allow);
const refuse = (error: number): Instruction => answer(ANSWERS.error | error);

/** Ends in an answer either way: what follows would read an argument for a number. */
function decide(condition: Condition, error: number): Instruction[] {
  const read = load(ARGUMENTS_AT + ARGUMENT_BYTES * condition.argument);
  if ('anyBitOf' in condition)
    return [read, jump(OPCODES.anyBit, condition.anyBitOf, 0, 1), refuse(error), allow];
  const values = 'oneOf' in condition ? condition.oneOf : condition.noneOf;
  const [found, otherwise] = 'oneOf' in condition ? [refuse(error), allow] : [allow, refuse(error)];
  // From each comparison to the answer behind the one that no comparison reaches.
  const checks = values.map((value, index) => jump(OPCODES.equal, value, values.length - index, 0));
  return [read, ...checks, otherwise, found];
}

function instructionsFor(rule: Rule, architecture: Architecture): Instruction[] {
  const number = numberOf(rule.call, architecture);
  if (number === null) return [];
  const block = rule.when === undefined ? [refuse(rule.error)] : decide(rule.when, rule.error);
  return [jump(OPCODES.equal, number, 0, block.length), ...block];
}

/** Every call is allowed but those that the rules name, those of a foreign interface, and those newer than the rules. */
export function filterInstructions(
  architecture: Architecture,
  rules: readonly Rule[] = RULES,
): readonly Instruction[] {
  const { audit, foreignFrom } = ARCHITECTURES[architecture];
  return [
    load(ARCHITECTURE_AT),
    jump(OPCODES.equal, audit, 1, 0),
    refuse(FOREIGN_CALL_ERROR),
    load(NUMBER_AT),
    ...(foreignFrom === undefined
      ? []
      : [jump(OPCODES.atLeast, foreignFrom, 0, 1), refuse(FOREIGN_CALL_ERROR)]),
    jump(OPCODES.atLeast, FIRST_UNKNOWN_CALL, 0, 1),
    refuse(UNKNOWN_CALL_ERROR),
    ...rules.flatMap((rule) => instructionsFor(rule, architecture)),
    allow,
  ];
}

/** As bubblewrap reads it: an array of `struct sock_filter`, little-endian like both architectures. */
export function encodeFilter(instructions: readonly Instruction[]): Buffer {
  const bytes = Buffer.alloc(instructions.length * INSTRUCTION_BYTES);
  for (const [index, { code, whenTrue, whenFalse, operand }] of instructions.entries()) {
    const at = index * INSTRUCTION_BYTES;
    bytes.writeUInt16LE(code, at);
    bytes.writeUInt8(whenTrue, at + 2);
    bytes.writeUInt8(whenFalse, at + 3);
    bytes.writeUInt32LE(operand, at + 4);
  }
  return bytes;
}

/** The filter for this machine; undefined on an architecture without a table. */
export function systemCallFilter(architecture: string): Buffer | undefined {
  return architecture === 'x64' || architecture === 'arm64'
    ? encodeFilter(filterInstructions(architecture))
    : undefined;
}
