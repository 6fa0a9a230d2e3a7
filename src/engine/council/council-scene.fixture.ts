import type { CouncilTerms } from '../council-event.js';
import type { EngineEvent, GenerateRequest } from '../engine.js';
import { createScriptedEngine, type ScriptedEngine } from '../scripted/scripted-engine.js';
import { CouncilEngine } from './council-engine.js';

export const never = new AbortController().signal;
export const forever = { type: 'wait', until: new Promise(() => undefined) } as const;

const QUESTION: GenerateRequest = {
  sessionId: 'session-a',
  messages: [{ role: 'user', content: 'What is 6 * 7?' }],
  tools: [],
  sampling: {},
};

/** Three experts a, b and c and a judge j, all scripted; nothing is shuffled unless `random` does. */
export function scene(random: () => number = () => 0.999) {
  const [a, b, c, j] = [
    createScriptedEngine(),
    createScriptedEngine(),
    createScriptedEngine(),
    createScriptedEngine(),
  ];
  const engines: Readonly<Record<string, ScriptedEngine>> = { a, b, c, j };
  const engine = new CouncilEngine(createScriptedEngine(), (name) => engines[name], random);
  const ask = async (
    council: CouncilTerms,
    request: Partial<GenerateRequest> = {},
    signal = never,
  ): Promise<EngineEvent[]> => {
    const events: EngineEvent[] = [];
    const asked = { ...QUESTION, model: 'council:a,b,c', council: { judge: 'j', ...council }, ...request };
    for await (const event of engine.generate(asked, signal)) events.push(event);
    return events;
  };
  return { engine, a, b, c, j, ask };
}

export function ofType<T extends EngineEvent['type']>(
  events: readonly EngineEvent[],
  type: T,
): Extract<EngineEvent, { type: T }>[] {
  return events.filter((event): event is Extract<EngineEvent, { type: T }> => event.type === type);
}
