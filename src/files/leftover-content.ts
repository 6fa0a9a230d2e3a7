import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { isTransientDatabaseError } from '../database/transient-error.js';
import { BlobStore } from './blob-store.js';

const SWEEP_EVERY_MS = 15 * 60_000;

/**
 * Removes content that is nobody's, which counts in the storage limit until then. Not only at the start: what a
 * killed server had half stored is told from an upload under way by its age alone, and is young when the next starts.
 */
@Injectable()
export class LeftoverContent implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger('Files');
  private timer: NodeJS.Timeout | undefined;
  private sweeping: Promise<void> = Promise.resolve();

  constructor(private readonly blobs: BlobStore) {}

  async onApplicationBootstrap(): Promise<void> {
    await this.remove();
    this.timer = setInterval(() => {
      this.sweeping = this.sweep();
    }, SWEEP_EVERY_MS);
    this.timer.unref();
  }

  async onModuleDestroy(): Promise<void> {
    clearInterval(this.timer);
    await this.sweeping;
  }

  private async remove(): Promise<void> {
    await this.blobs.removeAbandoned();
    await this.blobs.removeAllUnreferenced();
  }

  private async sweep(): Promise<void> {
    try {
      await this.remove();
    } catch (error) {
      if (!isTransientDatabaseError(error)) this.logger.warn(error);
    }
  }
}
