import type { ServerResponse } from 'node:http';
import { Controller, Get, Res } from '@nestjs/common';
import { Public } from '../auth/public.js';
import type { Readiness } from './readiness.service.js';
import { ReadinessService } from './readiness.service.js';

/** For whatever watches the server; needs no key. */
@Public()
@Controller()
export class HealthController {
  constructor(private readonly readiness: ReadinessService) {}

  /** The process serves requests; says nothing about anything behind it. */
  @Get('health')
  health(): { status: 'ok' } {
    return { status: 'ok' };
  }

  /** 200 once a message can be worked, else 503 with the reasons. */
  @Get('ready')
  async ready(@Res({ passthrough: true }) response: ServerResponse): Promise<Readiness> {
    const readiness = await this.readiness.check();
    response.statusCode = readiness.ready ? 200 : 503;
    return readiness;
  }
}
