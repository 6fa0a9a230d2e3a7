import type { Config } from '../../config/config.js';
import type { ProfileSetting } from '../../config/sandbox-profiles.js';
import { profileResources, standardResources } from '../kernel/sandbox-resources.js';
import type { DockerSandboxOptions, SandboxProfile } from './docker-sandbox-options.js';
import type { KeptSandboxes } from './kept-sandboxes.js';

/** Longer than a server takes to come back: a start with a large model is a matter of minutes. */
const UNATTENDED_MS = 10 * 60_000;

/** What the settings do not say. */
export interface Surroundings {
  readonly instanceId: string;
  /** Those that set-up builds. */
  readonly images: { readonly python: string; readonly slim: string };
  readonly kernelVersion: string;
  /** A process that works no runs keeps no sandboxes ready. */
  readonly keepsWarm: boolean;
  /** Where it is written who has which; only looked at where sandboxes may outlive their process. */
  readonly kept?: KeptSandboxes | undefined;
}

function imageNamed(name: string, images: Surroundings['images']): string {
  if (name === 'python') return images.python;
  return name === 'python-slim' ? images.slim : name;
}

function profileFrom(
  setting: ProfileSetting,
  standard: SandboxProfile,
  { images, keepsWarm }: Surroundings,
): SandboxProfile {
  const { image } = setting;
  const runtime = setting.runtime ?? standard.runtime;
  const gpus = setting.gpus ?? standard.gpus;
  return {
    ...profileResources(setting, standard, keepsWarm),
    image: image === undefined ? standard.image : imageNamed(image, images),
    ...(runtime === undefined ? {} : { runtime }),
    ...(gpus === undefined ? {} : { gpus }),
  };
}

/** Pure. */
export function dockerSandboxOptions(
  sandbox: Config['sandbox'],
  surroundings: Surroundings,
): DockerSandboxOptions {
  const { instanceId, images, kernelVersion, keepsWarm, kept } = surroundings;
  const { dockerHost, dockerCertPath, dockerTlsVerify, runtime, gpus } = sandbox;
  const standard: SandboxProfile = {
    ...standardResources(sandbox, keepsWarm),
    image: imageNamed(sandbox.image ?? 'python', images),
    ...(runtime === undefined ? {} : { runtime }),
    ...(gpus === undefined ? {} : { gpus }),
  };
  const profiles = Object.entries(sandbox.profiles).map(
    ([name, setting]) => [name, profileFrom(setting, standard, surroundings)] as const,
  );
  return {
    ...standard,
    instanceId,
    kernelVersion,
    profiles: Object.fromEntries(profiles),
    limits: sandbox.limits,
    idleMs: sandbox.idleMs,
    ...(dockerHost === undefined ? {} : { dockerHost }),
    ...(dockerCertPath === undefined ? {} : { certPath: dockerCertPath }),
    tlsVerify: dockerTlsVerify,
    ...(kept === undefined
      ? {}
      : { outliving: { kept, unattendedMs: UNATTENDED_MS, adoptsOrphans: keepsWarm } }),
  };
}
