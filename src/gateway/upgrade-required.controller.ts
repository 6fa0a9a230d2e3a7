import { Controller, Get, Res } from '@nestjs/common';
import type { ServerResponse } from 'node:http';
import { Public } from '../auth/public.js';
import { upgradeRequired } from './handshake.js';

/** For those who open the WebSocket's address as a page. */
@Controller('v1/ws')
export class UpgradeRequiredController {
  @Public()
  @Get()
  refuse(@Res() response: ServerResponse): void {
    const { status, headers, body } = upgradeRequired();
    response.writeHead(status, { ...headers, 'content-type': 'application/json; charset=utf-8' }).end(body);
  }
}
