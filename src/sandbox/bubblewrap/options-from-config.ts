import type { Config } from '../../config/config.js';
import type { ProfileSetting } from '../../config/sandbox-profiles.js';
import { profileResources, type SandboxResources, standardResources } from '../kernel/sandbox-resources.js';
import type { BubblewrapProfile, BubblewrapSandboxOptions } from './bubblewrap-sandbox-options.js';

/** What only an engine has, but for the image `python`: its content is the root file system's. */
const ENGINES_OWN = ['image', 'runtime', 'gpus'] as const satisfies readonly (keyof ProfileSetting)[];

type EnginesOwn = Partial<Pick<ProfileSetting, (typeof ENGINES_OWN)[number]>>;

/** What is asked for and cannot be given here. */
function missingFor(asked: EnginesOwn): readonly (typeof ENGINES_OWN)[number][] {
  return ENGINES_OWN.filter((name) => asked[name] !== undefined && asked[name] !== 'python');
}

function profileFrom(
  setting: ProfileSetting,
  standard: SandboxResources,
  asked: EnginesOwn,
  keepsWarm: boolean,
): BubblewrapProfile {
  const missing = missingFor({ ...asked, ...setting });
  if (missing.length === 0) return profileResources(setting, standard, keepsWarm);
  return {
    ...profileResources(setting, standard, false),
    problem: `This profile asks for ${missing.join(', ')}, which only a Docker engine has.`,
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
  const standard = standardResources(sandbox, keepsWarm && isPossible);
  const profiles = Object.entries(sandbox.profiles).map(
    ([name, setting]) => [name, profileFrom(setting, standard, sandbox, keepsWarm)] as const,
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
