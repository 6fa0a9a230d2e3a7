import { Client, type ClientConfig } from 'pg';

/**
 * A connection whose end is nobody's uncaught exception. pg-boss holds connections without a listener while a transaction
 * of its is between two queries; the next query tells it what happened. For the option `Client` of a pool.
 */
export const GuardedClient = function guarded(config: ClientConfig): Client {
  const client = new Client(config);
  client.on('error', () => undefined);
  return client;
} as unknown as typeof Client;
