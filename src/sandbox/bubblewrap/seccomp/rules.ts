import { SYSTEM_CALLS, type SystemCall } from './system-calls.js';

const ERRORS = { EPERM: 1, ENOSYS: 38, EAFNOSUPPORT: 97 } as const;

/** Which calls of one kind are refused, by the low 32 bits of one argument: the kernel reads no more of it. */
export type Condition =
  | { readonly argument: number; readonly anyBitOf: number }
  | { readonly argument: number; readonly oneOf: readonly number[] }
  | { readonly argument: number; readonly noneOf: readonly number[] };

export interface Rule {
  readonly call: SystemCall;
  /** The errno that the caller sees. */
  readonly error: number;
  /** Absent: refused whatever its arguments. */
  readonly when?: Condition;
}

/** CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID and NEWNET. */
const NEW_NAMESPACES = 0x7e020000;
const AF_UNIX = 1;
const AF_INET = 2;
const AF_INET6 = 10;
const AF_NETLINK = 16;
const TIOCSTI = 0x5412;
const TIOCLINUX = 0x541c;

const WITH_CONDITIONS: readonly Rule[] = [
  { call: 'clone', error: ERRORS.EPERM, when: { argument: 0, anyBitOf: NEW_NAMESPACES } },
  // Its flags lie in memory, where no filter can look; "no such call" makes the C library use clone.
  { call: 'clone3', error: ERRORS.ENOSYS },
  // Not all families belong to a network namespace: AF_VSOCK reaches the host of a virtual machine.
  {
    call: 'socket',
    error: ERRORS.EAFNOSUPPORT,
    when: { argument: 0, noneOf: [AF_UNIX, AF_INET, AF_INET6, AF_NETLINK] },
  },
  // Typing into somebody's terminal.
  { call: 'ioctl', error: ERRORS.EPERM, when: { argument: 1, oneOf: [TIOCSTI, TIOCLINUX] } },
];

/**
 * What a sandbox may not ask of the kernel: what needs a privilege anyway, what has let code out of
 * sandboxes before, and memory that no limit of ours sees (System V and POSIX queues and segments).
 */
export const RULES: readonly Rule[] = [
  ...WITH_CONDITIONS,
  ...(Object.keys(SYSTEM_CALLS) as SystemCall[])
    .filter((call) => WITH_CONDITIONS.every((rule) => rule.call !== call))
    .map((call) => ({ call, error: ERRORS.EPERM })),
];

export const UNKNOWN_CALL_ERROR = ERRORS.ENOSYS;
export const FOREIGN_CALL_ERROR = ERRORS.EPERM;
