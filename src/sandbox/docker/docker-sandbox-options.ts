/** Everything a setting can change about Docker sandboxes. Milliseconds and bytes throughout. */
export interface DockerSandboxOptions {
  /** Names this server's containers, so that its next start can sweep what it left. */
  readonly instanceId: string;
  /** Never pulled: it must be there, see sandboxes/build-image.mjs. */
  readonly image: string;
  /** `unix:///path`, `tcp://host:port` or `http(s)://host:port`; the engine's default when absent. */
  readonly dockerHost?: string;
  /** Booted containers that wait for a session. 0 boots each on demand. */
  readonly poolSize: number;
  /** Also the swap limit: a sandbox has no swap. */
  readonly memoryBytes: number;
  /** Counts against `memoryBytes`: the working directory lives in memory. */
  readonly workspaceBytes: number;
  /** Threads count too. */
  readonly pids: number;
  readonly cpus: number;
  /** A runtime the engine knows, such as `runsc`; the engine's default when absent. */
  readonly runtime?: string;
  /** A sandbox that was not used for this long is destroyed. */
  readonly idleMs: number;
}

export const DOCKER_SANDBOX_DEFAULTS = {
  poolSize: 1,
  memoryBytes: 512 * 2 ** 20,
  workspaceBytes: 128 * 2 ** 20,
  pids: 64,
  cpus: 1,
  idleMs: 15 * 60_000,
} as const satisfies Partial<DockerSandboxOptions>;
