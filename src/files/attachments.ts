import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { mediaTypeOf } from '../engine/media.js';
import { DomainError } from '../errors.js';
import { FileService } from './file.service.js';

/** A picture or a sound as a client sent it with a message. */
export interface UploadedMedia {
  readonly name: string;
  readonly content: Buffer;
}

const MAX_ATTACHMENTS = 64;

/** Keeps what messages show to the model as files of their session. */
@Injectable()
export class Attachments {
  constructor(private readonly files: FileService) {}

  /** Ids in the given order. Rejects with `invalid_request` for what is neither picture nor sound, and as storing does. */
  async keep(
    manager: EntityManager,
    owner: string,
    sessionId: string,
    media: readonly UploadedMedia[],
  ): Promise<string[]> {
    if (media.length > MAX_ATTACHMENTS) {
      throw refused(`A message may show ${MAX_ATTACHMENTS} pictures and sounds, not ${media.length}.`);
    }
    const ids: string[] = [];
    for (const { name, content } of media) {
      const facts = { owner, sessionId, name, purpose: 'user_data' };
      const file = await this.files.store({ ...facts, content }, manager);
      if (mediaTypeOf(file.mimeType) === undefined) {
        throw refused(
          `${name} is ${file.mimeType}. A message may show PNG, JPEG, GIF and WebP pictures, and WAV and MP3 sounds.`,
        );
      }
      ids.push(file.id);
    }
    return ids;
  }
}

function refused(message: string): DomainError {
  return new DomainError('invalid_request', message, { param: 'messages', reason: 'unsupported_media' });
}
