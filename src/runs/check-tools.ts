import { DomainError } from '../errors.js';
import type { ToolRegistry } from '../tools/tool-registry.js';
import type { RunOptions } from './run-request.js';
import { offeredTools } from './run-tools.js';

/** A client function may not take the name of a server tool that this run offers: a call could be either's. */
export function checkClientTools(registry: ToolRegistry, options: RunOptions): void {
  const offered = new Set(offeredTools(registry, options).map((tool) => tool.name));
  for (const { function: client } of options.tools ?? []) {
    if (offered.has(client.name)) {
      throw new DomainError(
        'invalid_request',
        `tools: ${client.name} is the name of a server tool that is on; rename it, or leave that tool out of enabled_tools.`,
        {
          param: 'tools',
          reason: 'tool_name_taken',
        },
      );
    }
  }
  const choice = options.tool_choice ?? 'auto';
  const all = [...offered, ...(options.tools ?? []).map((tool) => tool.function.name)];
  const isThere =
    choice === 'required' ? all.length > 0 : choice === 'auto' || all.includes(choice.function.name);
  if (!isThere) {
    throw new DomainError(
      'invalid_request',
      `tool_choice asks for a tool that this run does not have. It has: ${all.join(', ') || 'none'}.`,
      { param: 'tool_choice', reason: 'tool_not_found' },
    );
  }
  const format = options.response_format?.type ?? 'text';
  if (format !== 'text' && (offered.size > 0 || (options.tools ?? []).length > 0)) {
    throw new DomainError(
      'invalid_request',
      'response_format needs a run without tools: set enable_tools to false and leave tools out.',
      { param: 'response_format', reason: 'response_format_with_tools' },
    );
  }
  for (const name of options.enabled_tools ?? []) {
    if (!registry.get(name)) throw unknownTool(registry, name, 'enabled_tools', 'invalid_request');
  }
}

/** Throws when the tool is not there, cannot work now, or would not take the arguments. */
export function requireTool(registry: ToolRegistry, name: string, args: unknown): void {
  const tool = registry.get(name);
  if (!tool?.available()) throw unknownTool(registry, name, 'name', 'not_found');
  const parsed = tool.parameters.safeParse(args);
  if (parsed.success) return;
  const [issue] = parsed.error.issues;
  throw new DomainError(
    'invalid_request',
    `The arguments do not fit ${name}: ${issue?.message ?? 'unknown reason'}`,
    {
      param: ['arguments', ...(issue?.path ?? [])].map(String).join('.'),
      reason: 'invalid_arguments',
    },
  );
}

function unknownTool(
  registry: ToolRegistry,
  name: string,
  param: string,
  code: 'invalid_request' | 'not_found',
): DomainError {
  const known = registry.available().map((tool) => tool.name);
  const message = `There is no tool named ${JSON.stringify(name)}. Available: ${known.join(', ') || 'none'}.`;
  return new DomainError(code, message, { param, reason: 'tool_not_found' });
}
