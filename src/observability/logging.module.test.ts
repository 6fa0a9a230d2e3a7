import type { IncomingMessage } from 'node:http';
import { Writable } from 'node:stream';
import { Controller, Get, Module, Req } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { LoggerModule, PinoLogger } from 'nestjs-pino';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { loggingOptions } from './logging.module.js';

const lines: string[] = [];
const destination = new Writable({
  write: (chunk: Buffer, _encoding, done) => {
    lines.push(chunk.toString('utf8'));
    done();
  },
});

@Controller()
class CarelessController {
  constructor(private readonly logger: PinoLogger) {}

  @Get('careless')
  log(@Req() request: IncomingMessage): string {
    const { headers } = request;
    this.logger.info({ headers }, 'all headers');
    this.logger.info({ request: { headers } }, 'nested headers');
    this.logger.info(
      { authorization: headers.authorization, 'x-api-key': headers['x-api-key'] },
      'bare values',
    );
    return 'done';
  }

  @Get('health')
  health(): string {
    return 'ok';
  }
}

@Module({
  imports: [
    LoggerModule.forRoot({
      pinoHttp: loggingOptions({ logLevel: 'info', logForPeople: false }, destination),
    }),
  ],
  controllers: [CarelessController],
})
class CarelessModule {}

it('logs each request under its id and no secret, however careless the code is', async () => {
  const app = await NestFactory.create(CarelessModule, { logger: false });
  await app.listen(0, '127.0.0.1');
  const url = await app.getUrl();
  const headers = {
    authorization: 'Bearer SECRET-1',
    'x-api-key': 'SECRET-2',
    'sec-websocket-protocol': 'gantry.ticket.SECRET-3',
    cookie: 'SECRET-4',
    'x-request-id': 'trace-1',
  };
  try {
    await fetch(`${url}/careless?api_key=SECRET-5`, { headers });
    await fetch(`${url}/health`, { headers });
  } finally {
    await app.close();
  }
  const log = lines.join('');
  expect(log).not.toContain('SECRET');
  expect(log).toContain('[redacted]');
  const completed = lines
    .map((line) => z.record(z.string(), z.unknown()).parse(JSON.parse(line)))
    .filter((line) => 'res' in line);
  expect(completed).toMatchObject([{ req: { id: 'trace-1', path: '/careless' }, res: { statusCode: 200 } }]);
});
