import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Attachments, type UploadedMedia } from '../files/attachments.js';
import { newId } from '../ids.js';
import { HistoryRepository } from './history.repository.js';
import { rebuildHistory } from './rebuild-history.js';
import type { ExportedMessage } from './session-export.js';
import { SessionRepository } from './session.repository.js';

/** A message of a conversation that a request brings along; `toolCallId` names a call of an earlier message. */
export type ConversationMessage =
  | { readonly role: 'user'; readonly content: string; readonly media: readonly UploadedMedia[] }
  | {
      readonly role: 'assistant';
      readonly content: string;
      readonly reasoning?: string;
      readonly toolCalls: readonly {
        readonly id: string;
        readonly name: string;
        readonly arguments: string;
      }[];
    }
  | { readonly role: 'tool'; readonly content: string; readonly toolCallId: string };

export interface Conversation {
  readonly systemPrompt: string | null;
  /** Each call id once; a result after its call. Calls without a result get one that says so. */
  readonly messages: readonly ConversationMessage[];
}

/** Sessions for requests that bring their whole conversation: unlisted, and gone half an hour after their last use. */
@Injectable()
export class ConversationService {
  constructor(
    private readonly sessions: SessionRepository,
    private readonly history: HistoryRepository,
    private readonly attachments: Attachments,
  ) {}

  /** Its id, in the caller's transaction. */
  async begin(owner: string, conversation: Conversation, manager: EntityManager): Promise<string> {
    const id = newId('sess');
    await this.sessions.insert(
      {
        id,
        owner,
        title: null,
        systemPrompt: conversation.systemPrompt,
        sandboxProfile: null,
        egress: [],
        parentId: null,
        ephemeral: true,
      },
      manager,
    );
    const at = new Date().toISOString();
    const messages: ExportedMessage[] = [];
    for (const message of conversation.messages) {
      const media = message.role === 'user' ? message.media : [];
      const shown = await this.attachments.keep(manager, owner, id, media);
      messages.push({ ...toExported(message, at), file_ids: shown });
    }
    const kept = new Map(messages.flatMap((message) => message.file_ids.map((file) => [file, file])));
    const past = rebuildHistory({ messages, runs: [], tool_calls: [], fileIds: kept });
    await this.history.write(owner, id, past, manager);
    return id;
  }
}

function toExported(message: ConversationMessage, at: string): ExportedMessage {
  const isAssistant = message.role === 'assistant';
  return {
    id: newId('msg'),
    run_id: null,
    round: null,
    role: message.role,
    content: message.content,
    reasoning: isAssistant ? (message.reasoning ?? null) : null,
    tool_calls: isAssistant && message.toolCalls.length > 0 ? [...message.toolCalls] : null,
    tool_call_id: message.role === 'tool' ? message.toolCallId : null,
    file_ids: [],
    created_at: at,
  };
}
