import Docker from 'dockerode';
import { isIPv6 } from 'node:net';
import { type EngineAddress, engineAddress, type EngineSettings } from './engine-address.js';
import { EngineAgent } from './engine-agent.js';

/** A client and what ends the connections that it keeps for later. */
export interface EngineClient {
  readonly docker: Docker;
  readonly address: EngineAddress;
  close(): void;
}

/** Throws a DomainError for settings that no engine can be reached with; connects to nothing yet. */
export function connectEngine(settings: EngineSettings): EngineClient {
  const address = engineAddress(settings);
  const agent = new EngineAgent(address);
  const options = {
    ...hostHeader(address),
    protocol: 'http' as const,
    agent,
    // Docker's library would read these from the environment itself, and in its own way.
    ca: undefined,
    cert: undefined,
    key: undefined,
    timeout: undefined,
  };
  return { docker: new Docker(options), address, close: () => agent.destroy() };
}

/** The agent knows where the engine is; what is named here is for a proxy on the way. */
function hostHeader(address: EngineAddress): { host: string; port: number } {
  return address.kind === 'tcp' && !isIPv6(address.host)
    ? { host: address.host, port: address.port }
    : { host: 'engine', port: 80 };
}

/** For a process that keeps no sandboxes: its connections end by themselves. */
export function dockerClient(dockerHost: string | undefined): Docker {
  return connectEngine({ dockerHost }).docker;
}
