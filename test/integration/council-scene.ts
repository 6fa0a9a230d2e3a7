import type { Engine } from '../../src/engine/engine.js';
import { CouncilEngine } from '../../src/engine/council/council-engine.js';
import { createResilientEngine } from '../../src/engine/resilient/resilient-engine.js';
import { createScriptedEngine, type ScriptedEngine } from '../../src/engine/scripted/scripted-engine.js';

export interface CouncilScene {
  readonly a: ScriptedEngine;
  readonly b: ScriptedEngine;
  readonly c: ScriptedEngine;
  /** What a server with MODEL=a,b,c has, whatever it is given. */
  readonly engineOver: (given: Engine) => Engine;
}

/** Three scripted models a, b and c, each of which a council can ask. */
export function councilScene(): CouncilScene {
  const [a, b, c] = [createScriptedEngine(), createScriptedEngine(), createScriptedEngine()];
  return { a, b, c, engineOver: () => councilOver({ a, b, c }) };
}

export function councilOver(models: Readonly<Record<string, Engine>>): Engine {
  const [first, ...others] = Object.entries(models).map(([name, engine]) => ({ name, engine }));
  if (first === undefined) throw new TypeError('A council needs models.');
  const pool = createResilientEngine([first, ...others]);
  return new CouncilEngine(
    pool,
    (name) => pool.member(name),
    () => 0.999,
  );
}
