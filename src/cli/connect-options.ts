import { type Command, Option } from 'commander';
import { GantryClient } from '../client/gantry-client.js';
import type { GantryClientOptions } from '../client/gantry-client.js';
import { openNodeSocket } from '../client/node-socket.js';

const DEFAULT_URL = 'http://127.0.0.1:8080';

export interface ConnectOptions {
  readonly url: string;
  readonly key?: string;
}

/** A mistake in the command line: told without a stack, exit code 2. */
export class UsageError extends Error {}

export function addConnectOptions(command: Command): Command {
  return command
    .addOption(new Option('--url <url>', 'where the server is').default(DEFAULT_URL).env('GANTRY_URL'))
    .addOption(new Option('--key <key>', 'the API key').env('GANTRY_API_KEY'));
}

export function clientOf(
  options: ConnectOptions,
  more: Pick<GantryClientOptions, 'onStatus'> = {},
): GantryClient {
  if (options.key === undefined || options.key === '')
    throw new UsageError('An API key is needed: --key <key> or the environment variable GANTRY_API_KEY.');
  const url = URL.parse(options.url);
  if (url === null || !/^https?:$/.test(url.protocol))
    throw new UsageError(`--url: expected http://host:port, not ${JSON.stringify(options.url)}.`);
  return new GantryClient({ url: options.url, apiKey: options.key, openSocket: openNodeSocket, ...more });
}
