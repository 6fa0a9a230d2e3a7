import { messageOf } from '../../errors.js';
import { runExecution } from '../kernel/execution.js';
import { bootSandbox } from './booted-sandbox.js';
import type { BubblewrapSandboxOptions } from './bubblewrap-sandbox-options.js';
import { findingsSchema, probeProgram, type Findings } from './probe-program.js';
import { gapsIn, type Knowledge } from './protections.js';
import { rebuildCommand } from './root-file-system.js';
import type { SandboxPlace } from './sandbox-place.js';

const PROBE_TIMEOUT_MS = 20_000;

const NO_NAMESPACES = /namespace failed|new namespace|uid map|Operation not permitted/i;

/** What to do about it, as far as its words tell. */
function adviceOn(message: string, { rootFileSystem }: BubblewrapSandboxOptions): string {
  return NO_NAMESPACES.test(message)
    ? 'This account may not make namespaces: see to the settings kernel.unprivileged_userns_clone, user.max_user_namespaces and kernel.apparmor_restrict_unprivileged_userns. Inside an ordinary container it cannot work.'
    : `If the root file system is damaged, make it anew: ${rebuildCommand(rootFileSystem)}`;
}

/** Boots one sandbox, where the default profile can be had, and has it try its walls. Never rejects: what goes wrong is an answer. */
export async function probe(place: SandboxPlace, options: BubblewrapSandboxOptions): Promise<Knowledge> {
  if (options.problem !== undefined) return { problem: options.problem };
  try {
    const findings = await lookInside(place, options);
    const gaps = gapsIn(findings, options);
    if (gaps.length === 0) return { findings, place };
    return { problem: `bubblewrap does not hold on this machine: ${gaps.join('; ')}.` };
  } catch (error) {
    const message = messageOf(error);
    return {
      problem: `A bubblewrap sandbox could not be started: ${message}. ${adviceOn(message, options)}`,
    };
  }
}

async function lookInside(place: SandboxPlace, options: BubblewrapSandboxOptions): Promise<Findings> {
  const kernel = await bootSandbox(place, options.rootFileSystem, options, 'bare');
  try {
    const result = await runExecution(
      kernel.connection,
      { op: 'exec', code: probeProgram(options.pids) },
      { timeoutMs: PROBE_TIMEOUT_MS },
      () => undefined,
      new AbortController().signal,
      () => undefined,
    );
    if (result.outcome !== 'completed') {
      throw new Error(`its probe ended with ${result.outcome}: ${result.exception ?? result.stderr}`);
    }
    return findingsSchema.parse(JSON.parse(result.stdout));
  } finally {
    await kernel.destroy();
  }
}
