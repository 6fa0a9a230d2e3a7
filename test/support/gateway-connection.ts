import { vi } from 'vitest';
import { Connection } from '../../src/gateway/connection.js';
import type { GatewayServices } from '../../src/gateway/gateway-services.js';
import { ScriptedLog, ScriptedSocket, scriptedServices } from '../../src/gateway/scripted-gateway.js';
import type { RunView } from '../../src/runs/run-view.js';

const LIMITS = { socketBytes: 1000, queueBytes: 4000, answerBytes: 50_000, stallMs: 10_000 };

/** A socket, a session's log and the connections between them; `reported` is what went wrong inside. */
export function connectionScene() {
  const socket = new ScriptedSocket();
  const log = new ScriptedLog('sess_1');
  const reported: unknown[] = [];
  const connect = (overrides: Partial<GatewayServices> = {}): Connection =>
    new Connection(socket, scriptedServices([log], overrides), {
      limits: LIMITS,
      report: (error) => reported.push(error),
    });
  return { socket, log, reported, connect };
}

/** Lets everything that waits for no timer happen; timers are the test's. */
export async function settle(): Promise<void> {
  await vi.advanceTimersByTimeAsync(0);
}

export function send(connection: Connection, frame: Record<string, unknown>): void {
  connection.receive(JSON.stringify(frame));
}

export function run(id: string): RunView {
  return { id, object: 'run', session_id: 'sess_1' } as RunView;
}

export const subscribe = (afterSeq = 0) => ({
  id: 's',
  type: 'session.subscribe',
  session_id: 'sess_1',
  after_seq: afterSeq,
});
