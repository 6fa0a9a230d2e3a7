import type { IncomingMessage } from 'node:http';
import { Inject, Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { CONFIG, type Config } from '../config/config.js';
import { DomainError } from '../errors.js';

/** The form around the file: its other fields and its boundaries. */
const FORM_BYTES = 64 * 1024;

/** Refuses an upload that says itself that it is too large, before any of it is read. */
@Injectable()
export class UploadSizeGuard implements CanActivate {
  constructor(@Inject(CONFIG) private readonly config: Config) {}

  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<IncomingMessage>();
    const { maxUploadBytes } = this.config.files;
    if (Number(request.headers['content-length'] ?? 0) <= maxUploadBytes + FORM_BYTES) return true;
    throw new DomainError('too_large', `A file may have ${maxUploadBytes} bytes.`, {
      reason: 'file_too_large',
      param: 'file',
      details: { max_bytes: maxUploadBytes },
    });
  }
}
