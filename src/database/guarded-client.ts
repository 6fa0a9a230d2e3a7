import { Client, type ClientConfig } from 'pg';

/**
 * A connection whose error is no uncaught exception where nobody listens, which would end the process. pg-boss holds such
 * ones while a transaction of its is between two queries; the next query tells it what happened. Also for the option
 * `Client` of a pool.
 */
export const GuardedClient = function guarded(config: ClientConfig): Client {
  const client = new Client(config);
  client.on('error', () => undefined);
  return client;
} as unknown as typeof Client;
