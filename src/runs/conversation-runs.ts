import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { type Conversation, ConversationService } from '../sessions/conversation.service.js';
import { SessionService } from '../sessions/session.service.js';
import { ToolRegistry } from '../tools/tool-registry.js';
import type { UploadedMedia } from '../files/attachments.js';
import { checkClientTools } from './check-tools.js';
import { checkContextOverflow } from './context-overflow.js';
import { answerReturnedCalls, type ReturnedResult } from './returned-calls.js';
import { type CreatedRun, RunCreation } from './run-creation.js';
import type { RunOptions } from './run-request.js';

/** What a run is to go on from. */
export type ConversationTurn =
  /** The whole conversation; `input` is the user's last message, if it ends with one. */
  | ({ readonly type: 'conversation'; readonly conversation: Conversation } & Asked<string | undefined>)
  | ({ readonly type: 'message'; readonly sessionId: string } & Asked<string>)
  /** Answers to the calls with which the session's last run ended. */
  | ({
      readonly type: 'results';
      readonly sessionId: string;
      readonly results: readonly ReturnedResult[];
      /** What the user says beside them. */
    } & Asked<string | undefined>);

interface Asked<Text extends string | undefined> {
  readonly input: Text;
  /** What the user's message shows. */
  readonly media: readonly UploadedMedia[];
}

export interface ConversationRequest {
  readonly turn: ConversationTurn;
  readonly options: RunOptions;
  readonly requestHash: string;
  readonly cancelId: string | undefined;
  readonly idempotencyKey: string | undefined;
}

/** Runs of surfaces that think in conversations: each request is one run, and calls of its functions end it. */
@Injectable()
export class ConversationRuns {
  constructor(
    private readonly creation: RunCreation,
    private readonly sessions: SessionService,
    private readonly conversations: ConversationService,
    private readonly registry: ToolRegistry,
  ) {}

  /** Rejects with DomainError: unknown session or call, session busy, tools that clash. */
  async create(owner: string, request: ConversationRequest): Promise<CreatedRun> {
    const { turn, options, ...rest } = request;
    checkClientTools(this.registry, options);
    checkContextOverflow(options);
    const known = await this.creation.findByKey(owner, request.idempotencyKey, request.requestHash);
    if (known) return { run: known, created: false };
    return this.creation.insert({
      ...rest,
      owner,
      kind: 'chat',
      options,
      input: turn.input,
      media: turn.media,
      openSession: (manager) => this.openSession(owner, turn, manager),
      begin: async (manager, _runId, sessionId) => {
        if (turn.type === 'results') await answerReturnedCalls(manager, sessionId, turn.results);
        return [];
      },
    });
  }

  private async openSession(owner: string, turn: ConversationTurn, manager: EntityManager): Promise<string> {
    if (turn.type === 'conversation') return this.conversations.begin(owner, turn.conversation, manager);
    const { sessionId } = turn;
    // Results answer the turn before: nothing may come between.
    if (turn.type === 'results') await this.sessions.requireIdle(owner, sessionId, manager);
    else await this.sessions.requireOwned(owner, sessionId, manager);
    await this.sessions.keep(sessionId, manager);
    return sessionId;
  }
}
