import { EngineError, type EngineErrorCode } from '../engine-error.js';
import type { EngineEvent, GenerateRequest } from '../engine.js';
import { createScriptedEngine } from '../scripted/scripted-engine.js';
import { says, type ScriptedTurn } from '../scripted/scripted-turn.js';
import type { PoolEvent } from './pool-event.js';
import { createResilientEngine } from './resilient-engine.js';

export const request: GenerateRequest = {
  sessionId: 'session-a',
  messages: [{ role: 'user', content: 'Hello' }],
  tools: [],
  sampling: {},
};
export const never = new AbortController().signal;
export const forever = { type: 'wait', until: new Promise(() => undefined) } as const;

export const failing = (code: EngineErrorCode, retryAfterMs?: number): ScriptedTurn => {
  const options = retryAfterMs === undefined ? {} : { retryAfterMs };
  return { steps: [{ type: 'fail', error: new EngineError(code, `It says ${code}.`, options) }] };
};

/** A pool of two scripted engines, on a clock that stands still. */
export function scene() {
  const [first, second] = [createScriptedEngine(), createScriptedEngine()];
  const clock = { now: 0 };
  const told: PoolEvent[] = [];
  const engine = createResilientEngine(
    [
      { name: 'first', engine: first },
      { name: 'second', engine: second },
    ],
    { now: () => clock.now, onTransition: (event) => told.push(event) },
  );
  const ask = async (signal = never): Promise<EngineEvent[]> => {
    const events: EngineEvent[] = [];
    for await (const event of engine.generate(request, signal)) events.push(event);
    return events;
  };
  const breakers = (): unknown[] => {
    const status = engine.status();
    return status.state === 'pool' ? status.members.map(({ breaker }) => breaker) : [];
  };
  /** Opens the breaker of the first. */
  const openFirst = async (): Promise<void> => {
    for (let i = 0; i < 5; i++) {
      first.enqueue(failing('provider'));
      second.enqueue(says('Second.'));
      await ask();
    }
  };
  return { engine, first, second, clock, told, ask, breakers, openFirst };
}
