import type { Config } from '../../config/config.js';
import type { ProfileSetting } from '../../config/sandbox-profiles.js';
import type { BubblewrapSandboxOptions, SandboxResources } from './bubblewrap-sandbox-options.js';

const MEBIBYTE = 2 ** 20;
/** What only an engine has, but for the image `python`: its content is the root file system's. */
const ENGINES_OWN = ['image', 'runtime', 'gpus'] as const satisfies readonly (keyof ProfileSetting)[];

type EnginesOwn = Partial<Pick<ProfileSetting, (typeof ENGINES_OWN)[number]>>;

/** What is asked for and cannot be given here. */
function missingFor(asked: EnginesOwn): readonly (typeof ENGINES_OWN)[number][] {
  return ENGINES_OWN.filter((name) => asked[name] !== undefined && asked[name] !== 'python');
}

function resourcesFrom(
  setting: ProfileSetting,
  standard: SandboxResources,
  asked: EnginesOwn,
  keepsWarm: boolean,
): SandboxResources {
  const { memory_mb, workspace_mb, processes, cpus, pool, timeout_sec } = setting;
  const missing = missingFor({ ...asked, ...setting });
  const isPossible = missing.length === 0;
  return {
    memoryBytes: memory_mb === undefined ? standard.memoryBytes : memory_mb * MEBIBYTE,
    workspaceBytes: workspace_mb === undefined ? standard.workspaceBytes : workspace_mb * MEBIBYTE,
    pids: processes ?? standard.pids,
    cpus: cpus ?? standard.cpus,
    poolSize: keepsWarm && isPossible ? pool : 0,
    ...(timeout_sec === undefined ? {} : { maxTimeoutMs: timeout_sec * 1000 }),
    ...(isPossible
      ? {}
      : { problem: `This profile asks for ${missing.join(', ')}, which only a Docker engine has.` }),
  };
}

/**
 * Pure. A process that works no runs keeps no sandboxes ready. Where the settings ask for what only an engine has, such
 * as graphics processors, there are no sandboxes rather than ones without it.
 */
export function bubblewrapSandboxOptions(
  sandbox: Config['sandbox'],
  rootFileSystem: string,
  keepsWarm: boolean,
): BubblewrapSandboxOptions {
  const missing = missingFor(sandbox).map((name) => `GANTRY_SANDBOX_${name.toUpperCase()}`);
  const isPossible = missing.length === 0;
  const standard: SandboxResources = {
    poolSize: keepsWarm && isPossible ? sandbox.poolSize : 0,
    memoryBytes: sandbox.memoryBytes,
    workspaceBytes: sandbox.workspaceBytes,
    pids: sandbox.processes,
    cpus: sandbox.cpus,
  };
  const profiles = Object.entries(sandbox.profiles).map(
    ([name, setting]) => [name, resourcesFrom(setting, standard, sandbox, keepsWarm)] as const,
  );
  return {
    ...standard,
    ...(isPossible
      ? {}
      : {
          problem: `bubblewrap is not used: ${missing.join(', ')} can be had from a Docker engine only. Unset what is not needed.`,
        }),
    rootFileSystem,
    profiles: Object.fromEntries(profiles),
    limits: sandbox.limits,
    idleMs: sandbox.idleMs,
  };
}
