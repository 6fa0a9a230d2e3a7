import { Inject, Injectable } from '@nestjs/common';
import { z } from 'zod';
import type { JsonSchema, ToolSpec } from '../engine/engine.js';
import { BUILT_IN_TOOLS, type Tool } from './tool.js';

/** The server's own tools by name. Names come from models, so look-ups never touch prototypes. */
@Injectable()
export class ToolRegistry {
  private readonly tools: ReadonlyMap<string, Tool>;

  constructor(@Inject(BUILT_IN_TOOLS) tools: readonly Tool[]) {
    this.tools = new Map(tools.map((tool) => [tool.name, tool]));
  }

  get(name: string): Tool | undefined {
    return this.tools.get(name);
  }

  /** Those that can work here now, in the order models see them. */
  available(): readonly Tool[] {
    return [...this.tools.values()].filter((tool) => tool.available());
  }
}

/** How a model is told of a tool. */
export function toSpec(tool: Tool): ToolSpec {
  const { $schema: _, ...parameters } = z.toJSONSchema(tool.parameters) as JsonSchema;
  return { name: tool.name, description: tool.description, parameters };
}
