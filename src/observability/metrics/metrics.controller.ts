import type { ServerResponse } from 'node:http';
import { Controller, Get, Res } from '@nestjs/common';
import { MetricsService } from './metrics.service.js';

/** For Prometheus. Needs a key as everything does that tells what the server works on, also from the same machine. */
@Controller()
export class MetricsController {
  constructor(private readonly metrics: MetricsService) {}

  @Get('metrics')
  async read(@Res({ passthrough: true }) response: ServerResponse): Promise<string> {
    const text = await this.metrics.read();
    response.setHeader('content-type', this.metrics.contentType);
    return text;
  }
}
