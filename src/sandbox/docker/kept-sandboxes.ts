/** A container that may outlive the process that has it. */
export interface KeptSandbox {
  readonly containerId: string;
  readonly sessionId: string;
  /** As it was made. */
  readonly profile: string;
  readonly egress: readonly string[];
  /** Of the token chain. */
  readonly secret: Uint8Array;
  /** 0: its maker has it. Each process that takes it over has the next one. */
  readonly generation: number;
}

export type SandboxHold = Pick<KeptSandbox, 'containerId' | 'generation'>;

/** Who has which kept container: one process at a time, the one with the highest generation. */
export interface KeptSandboxes {
  /** This process has it now. */
  add(sandbox: KeptSandbox): Promise<void>;
  /** One of that session whose process is dead, now this process's, in its next generation. */
  takeOver(sessionId: string): Promise<KeptSandbox | undefined>;
  /** Ends this process's hold; false when another has taken the container over. */
  drop(hold: SandboxHold): Promise<boolean>;
  /** Sessions whose process is dead and for which no run is queued or worked: nobody else will come for theirs. */
  orphanedSessions(): Promise<readonly string[]>;
  /** The ids of all containers of this data directory that anybody has or may take over. */
  containerIds(): Promise<ReadonlySet<string>>;
  /** Forgets those of dead processes whose containers are gone. */
  forgetAllBut(containerIds: ReadonlySet<string>): Promise<void>;
}
