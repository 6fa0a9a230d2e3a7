import type { GantryClient } from '../../client/gantry-client.js';
import type { AgentPermission } from '../../runs/run-request.js';
import type { Style } from '../style.js';
import { plainLine } from '../terminal-text.js';
import type { ChatCommand } from './parse-line.js';
import type { Screen } from './screen.js';
import type { SessionScreen } from './session-screen.js';

export interface ChatOptions {
  /** Absent: one is made with the first message. */
  readonly sessionId: string | undefined;
  readonly afterSeq: number;
  readonly permission: AgentPermission;
  readonly model: string | undefined;
  readonly saveFolder: string;
}

export type ChatClient = Pick<
  GantryClient,
  'createSession' | 'createRun' | 'invokeTool' | 'cancel' | 'steer' | 'decide' | 'session' | 'files'
>;

interface RunKeys {
  readonly cancel_id: string;
}

/** What a person can ask the server for, and what of it is under way. */
export class ChatActions {
  sessionId: string | undefined;
  /** Of the run that the server has not acknowledged yet. */
  private sentCancelId: string | undefined;

  constructor(
    private readonly client: ChatClient,
    private readonly options: ChatOptions,
    private readonly view: SessionScreen,
    private readonly screen: Screen,
    private readonly style: Style,
    private readonly surroundings: {
      onSession(sessionId: string): void;
      /** The terminal shows what is typed. */
      readonly isEchoed: boolean;
    },
  ) {
    this.sessionId = options.sessionId;
  }

  get isRunning(): boolean {
    return this.view.openRuns.size > 0 || this.sentCancelId !== undefined;
  }

  /** Rejects with what the server says. */
  async ask(
    command: Extract<ChatCommand, { readonly type: 'message' | 'steer' | 'tool' | 'files' }>,
  ): Promise<void> {
    const sessionId = await this.openSession();
    switch (command.type) {
      case 'files':
        return this.listFiles(sessionId);
      case 'steer':
        return this.steer(command.text);
      case 'message': {
        if (this.surroundings.isEchoed) this.view.wasTyped(command.text);
        const { model } = this.options;
        const request = {
          session_id: sessionId,
          input: command.text,
          agent_permission: this.options.permission,
          ...(model !== undefined && { model }),
        };
        return this.start((keys) => this.client.createRun({ ...keys, ...request }));
      }
      case 'tool': {
        // Who types a call has decided on it; the server's policy still holds.
        const request = { session_id: sessionId, name: command.name, arguments: command.arguments };
        return this.start((keys) => this.client.invokeTool({ ...keys, ...request }));
      }
      default:
        return command satisfies never;
    }
  }

  /** Everything that runs in this session, and what is on its way there. */
  async cancel(): Promise<void> {
    const keys = [
      ...(this.sentCancelId === undefined ? [] : [{ cancel_id: this.sentCancelId }]),
      ...[...this.view.openRuns].map((runId) => ({ run_id: runId })),
    ];
    await Promise.all(keys.map((key) => this.client.cancel(key)));
  }

  private async listFiles(sessionId: string): Promise<void> {
    for (const file of await this.client.files.ofSession(sessionId))
      this.screen.line(`${file.id}  ${String(file.bytes).padStart(10)}  ${plainLine(file.name)}`);
  }

  private async steer(text: string): Promise<void> {
    const runId = [...this.view.openRuns].at(-1);
    if (runId === undefined) this.screen.line(this.style.warning('Nothing runs that could be steered.'));
    else await this.client.steer(runId, text);
  }

  private async start(create: (keys: RunKeys) => Promise<{ run: { id: string } }>): Promise<void> {
    this.sentCancelId = crypto.randomUUID();
    try {
      const { run } = await create({ cancel_id: this.sentCancelId });
      this.view.runCreated(run.id);
    } finally {
      this.sentCancelId = undefined;
    }
  }

  private async openSession(): Promise<string> {
    if (this.sessionId === undefined) {
      this.sessionId = (await this.client.createSession()).id;
      this.surroundings.onSession(this.sessionId);
    }
    return this.sessionId;
  }
}
