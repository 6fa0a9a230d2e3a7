import type { JsonSchema, ToolSpec } from '../../engine/engine.js';
import { type ArgumentCheck, argumentCheck } from './argument-check.js';

const NAMESPACE = 'functions.';

/** The tools of one turn: what a written call may name, and what it must look like. */
export class OfferedTools {
  private readonly schemas: ReadonlyMap<string, JsonSchema>;
  private readonly checks = new Map<string, ArgumentCheck>();

  constructor(specs: readonly ToolSpec[]) {
    this.schemas = new Map(specs.map(({ name, parameters }) => [name, parameters]));
  }

  get names(): readonly string[] {
    return [...this.schemas.keys()];
  }

  /** The tool's own name for what a model wrote. */
  find(written: string): string | undefined {
    const name = written.trim();
    if (this.schemas.has(name)) return name;
    const bare = name.startsWith(NAMESPACE) ? name.slice(NAMESPACE.length) : '';
    return this.schemas.has(bare) ? bare : undefined;
  }

  schema(name: string): JsonSchema {
    return this.schemas.get(name) ?? {};
  }

  accepts(name: string, value: unknown): boolean {
    const check = this.checks.get(name) ?? argumentCheck(this.schema(name));
    this.checks.set(name, check);
    return check(value);
  }
}
