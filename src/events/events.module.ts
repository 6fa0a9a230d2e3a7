import { type BeforeApplicationShutdown, Global, Inject, Module } from '@nestjs/common';
import { PinoLogger } from 'nestjs-pino';
import { DataSource } from 'typeorm';
import { DatabaseServer } from '../database/database.module.js';
import { ChunkWriter } from './chunk-writer.js';
import { EventBus } from './event-bus.js';
import { EventLog } from './event-log.js';

/** Needs the database's global module. */
@Global()
@Module({
  providers: [
    {
      provide: EventBus,
      inject: [DatabaseServer, PinoLogger],
      useFactory: async ({ url }: DatabaseServer, logger: PinoLogger) => {
        const bus = new EventBus(url, logger);
        await bus.start();
        return bus;
      },
    },
    {
      provide: EventLog,
      inject: [DataSource, EventBus],
      useFactory: (dataSource: DataSource, bus: EventBus) => new EventLog(dataSource, bus),
    },
    {
      provide: ChunkWriter,
      inject: [DataSource, EventLog],
      useFactory: (dataSource: DataSource, log: EventLog) => new ChunkWriter(dataSource, log),
    },
  ],
  exports: [EventBus, EventLog, ChunkWriter],
})
export class EventsModule implements BeforeApplicationShutdown {
  constructor(@Inject(EventBus) private readonly bus: EventBus) {}

  /** After the gateway said goodbye, before the database goes. */
  async beforeApplicationShutdown(): Promise<void> {
    await this.bus.close();
  }
}
