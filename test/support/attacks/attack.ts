import type { ExecutionLimits, ExecutionOutcome } from '../../../src/sandbox/sandbox.js';

/** Where it says CANARY_FILE and the like, the place of that canary on the host is put in. */
export type AttackProgram = { readonly python: string } | { readonly bash: string };

/** What the host does with the working directory once the program is over, as the product itself would. */
export type HostStep =
  | { readonly read: string; readonly maxBytes?: number; readonly answers: readonly HostAnswer[] }
  | { readonly write: string; readonly bytes: number; readonly answers: readonly HostAnswer[] }
  | { readonly remove: string; readonly answers: readonly HostAnswer[] }
  /** The paths, sorted; or how many at most, where there is no telling which. */
  | { readonly list: readonly string[] | number };

/** `done`, or the code of the DomainError that the port rejects with. */
export type HostAnswer = 'done' | 'invalid_request' | 'not_found' | 'too_large' | 'storage_full';

export interface Expected {
  readonly outcome: ExecutionOutcome | readonly ExecutionOutcome[];
  /** repr of the last expression's value. Programs of walls give the attempts that got through: `[]`. */
  readonly value?: string | RegExp;
  readonly stdout?: string | RegExp;
  readonly exception?: RegExp;
  /** Whether output went over the cap. */
  readonly drops?: boolean;
  /** Paths the result must name as changed, sorted. */
  readonly changes?: readonly string[];
  /** The very same sandbox goes on, unless the program may cost it: then a new one answers. */
  readonly sandbox?: 'kept' | 'kept or replaced';
}

/** A hostile program, and what must be true of its end. What holds for every one of them is in attack-trial.ts. */
export interface Attack {
  readonly name: string;
  /** What would be wrong if it worked. */
  readonly why: string;
  /** Calls that come before the one that is judged, on the same sandbox. */
  readonly before?: readonly AttackProgram[];
  readonly program: AttackProgram;
  readonly limits: ExecutionLimits;
  readonly expected: Expected;
  readonly host?: readonly HostStep[];
  /** How often the host does its steps: races need tries. */
  readonly tries?: number;
}

/** Ends by itself, far within this. */
export const ENDS = { timeoutMs: 20_000 } as const;
/** Has to be stopped. */
export const STOPPED = { timeoutMs: 400 } as const;

/** Defines `through`: names of the attempts that nothing refused, an exception or -1 being a refusal. */
export const THROUGH = `
def through(**attempts):
    found = []
    for name, attempt in attempts.items():
        try:
            answer = attempt()
        except (OSError, PermissionError, ValueError, AttributeError, ImportError):
            continue
        if answer != -1:
            found.append(name)
    return found
`;
