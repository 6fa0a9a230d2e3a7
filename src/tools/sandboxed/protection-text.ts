import { DEFAULT_PROFILE_NAME } from '../../config/sandbox-profiles.js';
import {
  NO_NETWORK_NOTE,
  type SandboxProfileState,
  type SandboxProtections,
  USUAL_PACKAGES,
} from '../../sandbox/sandbox.js';

/** What holds in the sandboxes of one session. */
export type Standing = Pick<SandboxProfileState, 'notes' | 'packages'>;

/** For the session that chose this profile, or none. */
export function standingOf(
  { notes, profiles }: SandboxProtections,
  profile: string = DEFAULT_PROFILE_NAME,
): Standing {
  if (profiles === undefined) return { notes, packages: USUAL_PACKAGES };
  const state = Object.hasOwn(profiles, profile) ? profiles[profile] : undefined;
  if (state === undefined)
    return { notes: [`Calls fail: this server has no sandbox profile ${profile} any more.`] };
  if (state.available) return state;
  return { ...state, notes: [`Calls fail at present: ${state.reason ?? 'there is no sandbox.'}`] };
}

/** For a tool's description: what the model has to know about its walls, and of the hosts it may reach. */
export function protectionText(notes: readonly string[], hosts: readonly string[]): string {
  if (hosts.length === 0) return notes.join(' ');
  const network =
    `Of the network only these hosts can be reached: ${hosts.join(', ')}. Programs find the way in HTTPS_PROXY and ` +
    'HTTP_PROXY; packages that pip installs last as long as the variables.';
  return [network, ...notes.filter((note) => note !== NO_NETWORK_NOTE)].join(' ');
}
