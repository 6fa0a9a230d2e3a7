import { Controller, Header, Post } from '@nestjs/common';
import { CurrentPrincipal } from './current-principal.js';
import type { Principal } from './principal.js';
import { TicketService } from './ticket.service.js';
import type { IssuedTicket } from './ticket.service.js';

@Controller('v1/ws/tickets')
export class TicketController {
  constructor(private readonly tickets: TicketService) {}

  @Post()
  @Header('cache-control', 'no-store')
  issue(@CurrentPrincipal() principal: Principal): Promise<IssuedTicket> {
    return this.tickets.issue(principal.name);
  }
}
