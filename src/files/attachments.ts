import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { mediaTypeOf } from '../engine/media.js';
import { DomainError } from '../errors.js';
import { FileService } from './file.service.js';
import type { StoredFile } from './file.entity.js';

/** A picture or a sound as a client sent it with a message. */
export interface UploadedMedia {
  readonly name: string;
  readonly content: Buffer;
}

const MAX_ATTACHMENTS = 64;
const PURPOSE = 'user_data';
/** More is shown to no model. */
export const MAX_SHOWN_BYTES = 16 * 2 ** 20;

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
      throw refused(
        `A message may show ${MAX_ATTACHMENTS} pictures and sounds, not ${media.length}.`,
        'messages',
      );
    }
    const ids: string[] = [];
    for (const { name, content } of media) {
      const file = await this.files.store({ owner, sessionId, name, purpose: PURPOSE, content }, manager);
      requireMedia(file, 'messages');
      ids.push(file.id);
    }
    return ids;
  }

  /** Rejects with `not_found` for somebody else's, `invalid_request` for neither picture nor sound, and `too_large`. */
  async requireShowable(owner: string, fileIds: readonly string[]): Promise<readonly StoredFile[]> {
    const found: StoredFile[] = [];
    for (const id of fileIds) {
      const file = await this.files.requireReadable(owner, id);
      requireMedia(file, 'show_file_ids');
      requireSmall(file);
      found.push(file);
    }
    return found;
  }

  /** Copies of uploads that may be shown: ids in the given order. Rejects as storing does. */
  async copy(
    manager: EntityManager,
    owner: string,
    sessionId: string,
    uploads: readonly StoredFile[],
  ): Promise<string[]> {
    const ids: string[] = [];
    for (const file of uploads) {
      const facts = { owner, sessionId, name: file.name, purpose: PURPOSE };
      ids.push((await this.files.duplicate(manager, file, facts)).id);
    }
    return ids;
  }
}

function requireMedia({ name, mimeType }: StoredFile, param: string): void {
  if (mediaTypeOf(mimeType) !== undefined) return;
  throw refused(
    `${name} is ${mimeType}. A message may show PNG, JPEG, GIF and WebP pictures, and WAV and MP3 sounds.`,
    param,
  );
}

function requireSmall({ name, bytes }: StoredFile): void {
  if (Number(bytes) <= MAX_SHOWN_BYTES) return;
  throw new DomainError(
    'too_large',
    `${name} has ${bytes} bytes; a picture or sound of ${MAX_SHOWN_BYTES} at most can be shown.`,
    {
      param: 'show_file_ids',
      reason: 'file_too_large',
    },
  );
}

function refused(message: string, param: string): DomainError {
  return new DomainError('invalid_request', message, { param, reason: 'unsupported_media' });
}
