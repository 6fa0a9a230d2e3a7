import { messageOf } from '../../errors.js';
import { GantryClientError } from '../../client/client-error.js';
import type { ConnectionStatus } from '../../client/reconnecting-socket.js';
import type { Style } from '../style.js';
import { plainLine } from '../terminal-text.js';
import { answerQuestion, describeRequest, edited, promptOf } from './approval-question.js';
import type { ApprovalRequest, QuestionOutcome, QuestionStage } from './approval-question.js';
import { ChatActions } from './chat-actions.js';
import type { ChatClient, ChatOptions } from './chat-actions.js';
import { FileSaver } from './file-saver.js';
import { CHAT_HELP, parseLine } from './parse-line.js';
import type { ChatCommand } from './parse-line.js';
import { Screen } from './screen.js';
import { SessionScreen } from './session-screen.js';

export interface ChatTerminal {
  readonly isTty: boolean;
  write(text: string): void;
  /** Asks for the next line. */
  prompt(text: string): void;
  /** Lets the person change a text; undefined where there is no editor. */
  edit(text: string): Promise<string | undefined>;
}

/** Exit codes of `gantry chat`. */
export const CHAT_EXIT = {
  fine: 0,
  runFailed: 1,
  noConnection: 2,
  approvalLeft: 3,
  interrupted: 130,
} as const;

interface OpenQuestion {
  readonly request: ApprovalRequest;
  stage: QuestionStage;
  /** So many lines were there before anybody could read it: they are no answers. */
  readonly linesBefore: number;
}

/**
 * A conversation over lines. A line is taken when something waits for it: an open question first, else the
 * prompt; so a script can write all its lines at once. What a person typed ahead answers no question.
 */
export class Chat {
  private readonly screen: Screen;
  private readonly view: SessionScreen;
  private readonly lines: string[] = [];
  private readonly finished = Promise.withResolvers<number>();
  private readonly reading = new AbortController();
  private readonly actions: ChatActions;
  private readonly saver: FileSaver;
  private question: OpenQuestion | undefined;
  private hasInputEnded = false;
  private isOver = false;
  private isPrompting = false;
  /** Something happened since the last step. */
  private isDue = false;
  private isAdvancing = false;
  private interrupts = 0;
  private wasLost = false;

  constructor(
    private readonly client: ChatClient,
    private readonly options: ChatOptions,
    private readonly terminal: ChatTerminal,
    private readonly style: Style,
  ) {
    this.screen = new Screen((text) => terminal.write(text));
    const saver = new FileSaver(client.files, options.saveFolder, this.screen, style);
    this.saver = saver;
    this.view = new SessionScreen(this.screen, style, options.afterSeq, (file) => saver.save(file));
    this.actions = new ChatActions(client, options, this.view, this.screen, style, {
      onSession: (sessionId) => void this.read(sessionId),
      isEchoed: terminal.isTty,
    });
    if (options.sessionId === undefined) this.view.isLive = true;
    else void this.read(options.sessionId);
    void this.advance();
  }

  /** Resolves with the exit code. */
  get end(): Promise<number> {
    return this.finished.promise;
  }

  line(text: string): void {
    this.lines.push(text);
    this.interrupts = 0;
    void this.advance();
  }

  inputEnded(): void {
    this.hasInputEnded = true;
    void this.advance();
  }

  /** Ctrl-C: once cancels what runs, twice leaves. */
  interrupt(): void {
    this.interrupts += 1;
    if (this.interrupts > 1) {
      this.finish(CHAT_EXIT.interrupted);
      return;
    }
    const notice = this.actions.isRunning ? '[cancelling; Ctrl-C again to leave]' : '[Ctrl-C again to leave]';
    this.screen.line(this.style.dim(notice));
    this.cancel();
  }

  showStatus(status: ConnectionStatus): void {
    if (status.state === 'reconnecting' && status.attempt === 1) {
      this.wasLost = true;
      this.screen.line(
        this.style.warning(
          `[connection lost (${plainLine(status.reason)}) after seq ${this.view.lastSeq}; reconnecting]`,
        ),
      );
    } else if (status.state === 'connected' && this.wasLost) {
      this.wasLost = false;
      this.screen.line(this.style.warning(`[connected again; going on after seq ${this.view.lastSeq}]`));
    }
  }

  private async read(sessionId: string): Promise<void> {
    const { afterSeq } = this.options;
    try {
      const events = this.client.session(sessionId).events({ afterSeq, signal: this.reading.signal });
      for await (const item of events) {
        this.view.show(item);
        void this.advance();
      }
    } catch (error) {
      if (!this.isOver) this.fail(error);
    }
  }

  /** Takes lines for as long as something waits for one. Never rejects. */
  private async advance(): Promise<void> {
    this.isDue = true;
    if (this.isAdvancing) return;
    this.isAdvancing = true;
    try {
      while (this.isDue && !this.isOver) {
        this.isDue = false;
        if (await this.step()) this.isDue = true;
      }
    } catch (error) {
      this.fail(error);
    } finally {
      this.isAdvancing = false;
    }
  }

  /** False: nothing can be done before something happens. */
  private async step(): Promise<boolean> {
    if (this.question !== undefined && !this.view.approvals.has(this.question.request.approval_id)) {
      this.question = undefined;
      this.isPrompting = false;
    }
    if (this.question === undefined && this.view.isLive) this.openQuestion();
    if (this.question !== undefined) return this.takeAnswer(this.question);
    const isIdle = this.view.isLive && this.view.openRuns.size === 0;
    const index = isIdle ? 0 : this.urgentLine();
    const [line] = index === -1 ? [] : this.lines.splice(index, 1);
    if (line !== undefined) {
      this.isPrompting = false;
      await this.obey(parseLine(line));
      return true;
    }
    if (!isIdle) return false;
    if (this.hasInputEnded) {
      await this.saver.saved();
      this.finish(this.view.hasFailed ? CHAT_EXIT.runFailed : CHAT_EXIT.fine);
    } else this.prompt('> ');
    return false;
  }

  /**
   * The place of a line that makes sense while a run goes on, or -1. A person's overtakes what was typed
   * before; a script's lines keep their order, and its `/quit` waits for the run.
   */
  private urgentLine(): number {
    const { isTty } = this.terminal;
    const index = this.lines.findIndex((line) => {
      const { type } = parseLine(line);
      return type === 'steer' || type === 'cancel' || (isTty && type === 'quit');
    });
    return isTty || index === 0 ? index : -1;
  }

  private openQuestion(): void {
    const [request] = this.view.approvals.values();
    if (request === undefined) return;
    const linesBefore = this.terminal.isTty ? this.lines.length : 0;
    this.question = { request, stage: 'choice', linesBefore };
    this.isPrompting = false;
    this.screen.line(describeRequest(request, this.style));
  }

  private async takeAnswer(question: OpenQuestion): Promise<boolean> {
    this.prompt(promptOf(question.stage));
    const [line] = this.lines.splice(question.linesBefore, 1);
    if (line === undefined) {
      if (this.hasInputEnded) this.leaveApproval(question.request);
      return false;
    }
    if (!this.terminal.isTty) this.terminal.write(`${plainLine(line)}\n`);
    this.isPrompting = false;
    const outcome = answerQuestion(question.request, question.stage, line);
    await this.follow(question, outcome.type === 'edit' ? await this.edit(question.request) : outcome);
    return true;
  }

  private async edit(request: ApprovalRequest): Promise<QuestionOutcome> {
    const text = await this.terminal.edit(JSON.stringify(request.arguments, null, 2));
    return text === undefined ? { type: 'ask', stage: 'arguments' } : edited(text);
  }

  private async follow(question: OpenQuestion, outcome: QuestionOutcome): Promise<void> {
    if (outcome.type === 'edit') return;
    if (outcome.type === 'ask') {
      if (outcome.say !== undefined) this.screen.line(outcome.say);
      question.stage = outcome.stage;
      return;
    }
    const { approval_id: id } = question.request;
    try {
      await this.client.decide(id, outcome.decision);
      this.view.approvals.delete(id);
    } catch (error) {
      this.complain(error);
      question.stage = 'choice';
      const wasDecided = error instanceof GantryClientError && error.error?.type !== 'invalid_request_error';
      if (wasDecided) this.view.approvals.delete(id);
    }
  }

  private async obey(command: ChatCommand): Promise<void> {
    switch (command.type) {
      case 'nothing':
        return;
      case 'help':
        this.screen.line(CHAT_HELP);
        return;
      case 'mistake':
        this.screen.line(this.style.warning(command.message));
        return;
      case 'quit':
        this.finish(CHAT_EXIT.fine);
        return;
      case 'cancel':
        this.cancel();
        return;
      default:
        await this.actions.ask(command).catch((error: unknown) => this.complain(error));
    }
  }

  private cancel(): void {
    this.actions.cancel().catch((error: unknown) => this.complain(error));
  }

  private prompt(text: string): void {
    if (this.isPrompting) return;
    this.isPrompting = true;
    this.screen.endBlock();
    if (this.terminal.isTty || text !== '> ') this.terminal.prompt(text);
  }

  private leaveApproval({ approval_id: id }: ApprovalRequest): void {
    this.screen.line(`\n[nobody answers: the run waits; decide with: gantry approvals approve ${id}]`);
    this.finish(CHAT_EXIT.approvalLeft);
  }

  private complain(error: unknown): void {
    this.screen.line(this.style.failure(`[${plainLine(messageOf(error))}]`));
  }

  private fail(error: unknown): void {
    this.complain(error);
    this.finish(error instanceof GantryClientError ? CHAT_EXIT.noConnection : CHAT_EXIT.runFailed);
  }

  private finish(code: number): void {
    if (this.isOver) return;
    this.isOver = true;
    this.screen.endBlock();
    this.reading.abort();
    const { sessionId } = this.actions;
    if (sessionId !== undefined) {
      const place = `--session ${plainLine(sessionId)} --after-seq ${this.view.lastSeq}`;
      this.screen.line(this.style.dim(`[to go on: gantry chat ${place}]`));
    }
    this.finished.resolve(code);
  }
}
