import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ANSWERS, encodeFilter, filterInstructions, OPCODES, systemCallFilter } from './filter.js';
import { RULES, type Rule } from './rules.js';
import { ARCHITECTURES, FIRST_UNKNOWN_CALL, numberOf, type Architecture } from './system-calls.js';

interface Call {
  readonly audit: number;
  readonly number: number;
  readonly args: readonly bigint[];
}

const BOTH = ['x64', 'arm64'] as const satisfies readonly Architecture[];
const LONGEST_PROGRAM = 4096;

/** `struct seccomp_data` as the kernel lays it out. */
function seccompData({ audit, number, args }: Call): Buffer {
  const data = Buffer.alloc(64);
  data.writeUInt32LE(number, 0);
  data.writeUInt32LE(audit, 4);
  for (const [index, value] of args.entries()) data.writeBigUInt64LE(value, 16 + 8 * index);
  return data;
}

/** Runs the encoded program as the kernel would; throws on anything that the kernel would not load. */
function emulate(program: Buffer, call: Call): number {
  const data = seccompData(call);
  let accumulator = 0;
  for (let at = 0; at < program.length; at += 8) {
    const code = program.readUInt16LE(at);
    const operand = program.readUInt32LE(at + 4);
    const jumpBy = (isTrue: boolean): void => {
      at += 8 * program.readUInt8(at + (isTrue ? 2 : 3));
    };
    if (code === OPCODES.load) accumulator = data.readUInt32LE(operand);
    else if (code === OPCODES.equal) jumpBy(accumulator === operand);
    else if (code === OPCODES.atLeast) jumpBy(accumulator >= operand);
    else if (code === OPCODES.anyBit) jumpBy((accumulator & operand) !== 0);
    else if (code === OPCODES.answer) return operand;
    else throw new Error(`unknown instruction ${code}`);
  }
  throw new Error('the program ran past its end');
}

const errnoOf = (result: number): number => (result === ANSWERS.allow ? 0 : result & 0xffff);
const low = (value: bigint): number => Number(BigInt.asUintN(32, value));

/** What the rules say, read without the assembler. */
function expectedErrno(architecture: Architecture, { audit, number, args }: Call): number {
  const { audit: own, foreignFrom } = ARCHITECTURES[architecture];
  if (audit !== own || (foreignFrom !== undefined && number >= foreignFrom)) return 1;
  if (number >= FIRST_UNKNOWN_CALL) return 38;
  const rule = RULES.find(({ call }) => numberOf(call, architecture) === number);
  return rule === undefined || !applies(rule, args) ? 0 : rule.error;
}

function applies({ when }: Rule, args: readonly bigint[]): boolean {
  if (when === undefined) return true;
  const value = low(args[when.argument] ?? 0n);
  if ('anyBitOf' in when) return (value & when.anyBitOf) !== 0;
  return 'oneOf' in when ? when.oneOf.includes(value) : !when.noneOf.includes(value);
}

describe.each(BOTH)('the filter for %s', (architecture) => {
  const program = encodeFilter(filterInstructions(architecture));
  const errno = (number: number, ...args: bigint[]): number =>
    errnoOf(emulate(program, { audit: ARCHITECTURES[architecture].audit, number, args }));
  const numbers = RULES.flatMap(({ call }) => numberOf(call, architecture) ?? []);

  it('is one that the kernel loads: short enough, and every jump lands inside', () => {
    const instructions = filterInstructions(architecture);
    expect(instructions.length).toBeLessThanOrEqual(LONGEST_PROGRAM);
    for (const [index, { whenTrue, whenFalse }] of instructions.entries()) {
      expect(whenTrue).toBeLessThan(256);
      expect(index + 1 + Math.max(whenTrue, whenFalse)).toBeLessThan(instructions.length + 1);
    }
    expect(instructions.at(-1)?.code).toBe(OPCODES.answer);
  });

  it('has one rule a call, and no number twice', () => {
    expect(new Set(numbers).size).toBe(numbers.length);
  });

  it('answers as the rules say, whatever the call and its arguments', () => {
    const interesting = RULES.flatMap(({ when }) =>
      when === undefined
        ? []
        : 'anyBitOf' in when
          ? [when.anyBitOf]
          : 'oneOf' in when
            ? when.oneOf
            : when.noneOf,
    ).map(BigInt);
    const argument = fc.oneof(
      fc.constantFrom(...interesting),
      fc.constantFrom(...interesting).map((value) => value | (1n << 40n)),
      fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    );
    const call = fc.record({
      audit: fc.oneof(
        { weight: 9, arbitrary: fc.constant(ARCHITECTURES[architecture].audit) },
        fc.nat(2 ** 31),
      ),
      number: fc.oneof(fc.constantFrom(...numbers), fc.nat(600), fc.nat(2 ** 31)),
      args: fc.array(argument, { minLength: 6, maxLength: 6 }),
    });
    fc.assert(
      fc.property(call, (call) => errnoOf(emulate(program, call)) === expectedErrno(architecture, call)),
      { numRuns: 2000 },
    );
  });

  it('refuses new namespaces by every road, and lets threads and forks be', () => {
    const number = (call: Parameters<typeof numberOf>[0]): number => numberOf(call, architecture) ?? -1;
    const SIGCHLD = 17n;
    const THREAD = 0x3d0f00n;
    expect(errno(number('clone'), SIGCHLD)).toBe(0);
    expect(errno(number('clone'), THREAD)).toBe(0);
    for (const bit of [17n, 25n, 26n, 27n, 28n, 29n, 30n]) {
      expect(errno(number('clone'), SIGCHLD | (1n << bit))).toBe(1);
    }
    expect(errno(number('clone3'))).toBe(38);
    expect(errno(number('unshare'), 0n)).toBe(1);
    expect(errno(number('setns'))).toBe(1);
  });

  it('opens only sockets of families that stay inside', () => {
    const socket = numberOf('socket', architecture) ?? -1;
    const allowed = Array.from({ length: 64 }, (_, family) => family).filter(
      (family) => errno(socket, BigInt(family)) === 0,
    );
    expect(allowed).toEqual([1, 2, 10, 16]);
    expect(errno(socket, 40n)).toBe(97);
  });
});

it('refuses the calls of other interfaces of the same processor', () => {
  const program = encodeFilter(filterInstructions('x64'));
  const GETPID = 39;
  const AUDIT_ARCH_I386 = 0x40000003;
  const call = { audit: ARCHITECTURES.x64.audit, number: GETPID, args: [] };
  expect(errnoOf(emulate(program, call))).toBe(0);
  expect(errnoOf(emulate(program, { ...call, number: GETPID | 0x40000000 }))).toBe(1);
  expect(errnoOf(emulate(program, { ...call, audit: AUDIT_ARCH_I386 }))).toBe(1);
});

it('is not made up for an architecture without a table', () => {
  expect(systemCallFilter('riscv64')).toBeUndefined();
  expect(systemCallFilter('x64')).toEqual(encodeFilter(filterInstructions('x64')));
});
