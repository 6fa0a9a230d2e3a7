import type { SandboxNetwork } from '../egress/egress.js';
import { PROXY_PORT } from '../egress/environment.js';
import { DomainError, messageOf } from '../../errors.js';
import { runExecution } from './execution.js';
import type { KernelConnection } from './kernel-connection.js';
import { Tunnels } from './tunnels.js';

const START_TIMEOUT_MS = 10_000;
/** A connection on which nothing moves for this long is given up. */
const IDLE_MS = 120_000;

type Open = (tunnels: Tunnels) => Promise<void>;

/**
 * Gives a fresh sandbox its network: connections to the proxy's port inside are served here, and every program
 * is told of it. Rejects with a DomainError `unavailable`; the kernel is then not to be used.
 */
export function openNetwork(connection: KernelConnection, network: SandboxNetwork): Promise<void> {
  return open(connection, network, async (tunnels) => {
    await tunnels.start(PROXY_PORT, network.environment);
    await tellInterpreter(connection, network.environment);
  });
}

/** The same for one that had it before under another host: what runs in it was told already. */
export function reopenNetwork(connection: KernelConnection, network: SandboxNetwork): Promise<void> {
  return open(connection, network, (tunnels) => tunnels.start(PROXY_PORT, network.environment));
}

async function open(connection: KernelConnection, network: SandboxNetwork, begin: Open): Promise<void> {
  const link = {
    send: (payload: Buffer) => connection.sendTunnelFrame(payload),
    onDrain: (callback: () => void) => connection.onDrain(callback),
  };
  const tunnels = new Tunnels(link, (opened) => network.serve(opened), IDLE_MS);
  connection.carryTunnels((payload) => tunnels.receive(payload));
  connection.whenLost(() => tunnels.close());
  const overdue = setTimeout(
    () => connection.close('its kernel did not open its network in time'),
    START_TIMEOUT_MS,
  );
  try {
    await begin(tunnels);
  } catch (error) {
    const why = connection.lostBecause ?? messageOf(error);
    throw new DomainError('unavailable', `The sandbox's network could not be opened: ${why}.`, {
      reason: 'sandbox_unavailable',
      cause: error,
    });
  } finally {
    clearTimeout(overdue);
  }
}

/** What the kernel forks from now on inherits it; the interpreter that stands ready was forked before. */
async function tellInterpreter(
  connection: KernelConnection,
  environment: Readonly<Record<string, string>>,
): Promise<void> {
  const code = `__import__("gantry_kernel.egress_environment", fromlist=["apply"]).apply(${JSON.stringify(environment)})`;
  const limits = { timeoutMs: START_TIMEOUT_MS };
  const never = new AbortController().signal;
  const ignore = (): void => undefined;
  const { outcome, exception } = await runExecution(
    connection,
    { op: 'exec', code },
    limits,
    ignore,
    never,
    ignore,
  );
  if (outcome !== 'completed') throw new Error(exception ?? outcome);
}
