import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { sweepEvery } from '../database/sweep-every.js';
import { BlobStore } from './blob-store.js';

const SWEEP_EVERY_MS = 15 * 60_000;

/**
 * Removes content that is nobody's, which counts in the storage limit until then. Not only at the start: what a
 * killed server had half stored is told from an upload under way by its age alone, and is young when the next starts.
 */
@Injectable()
export class LeftoverContent implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger('Files');
  private stop: (() => Promise<void>) | undefined;

  constructor(private readonly blobs: BlobStore) {}

  async onApplicationBootstrap(): Promise<void> {
    await this.remove();
    this.stop = sweepEvery(SWEEP_EVERY_MS, this.logger, () => this.remove());
  }

  async onModuleDestroy(): Promise<void> {
    await this.stop?.();
  }

  private async remove(): Promise<void> {
    await this.blobs.removeAbandoned();
    await this.blobs.removeAllUnreferenced();
  }
}
