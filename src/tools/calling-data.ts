import type { ToolCallData } from '../events/tool-call-data.js';
import type { ToolKind } from './tool.js';

/** What clients see of a call before it has run: its input, in the shape of its kind. */
export function callingData(kind: ToolKind, json: string): ToolCallData {
  const args = parseLoosely(json);
  switch (kind) {
    case 'code_execution':
      return { tool_type: 'code_execution', code: textOf(args['code']) ?? json };
    case 'shell':
      return { tool_type: 'shell', commands: commandsOf(args) };
    case 'web_search':
      return { tool_type: 'web_search', query: textOf(args['query']) ?? json };
    case 'file':
    case 'custom':
    case 'external':
      return { tool_type: 'custom', arguments: args };
    default:
      return kind satisfies never;
  }
}

/** The same with what was said in place of a result: denied, refused, lost. */
export function spokenData(kind: ToolKind, json: string, status: string, said: string): ToolCallData {
  const data = callingData(kind, json);
  switch (data.tool_type) {
    case 'code_execution':
      return { ...data, exception: said };
    case 'shell':
      return { ...data, status, stderr: said };
    case 'custom':
      return { ...data, content: said };
    case 'web_search':
      return data;
    default:
      return data satisfies never;
  }
}

function parseLoosely(json: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function commandsOf(args: Record<string, unknown>): string[] {
  const given = args['commands'] ?? args['command'];
  const list: unknown[] = Array.isArray(given) ? given : [given];
  return list.filter((item) => typeof item === 'string');
}
