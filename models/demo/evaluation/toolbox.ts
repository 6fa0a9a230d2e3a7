import { z } from 'zod';
import type { ToolCallRequest, ToolSpec } from '../../../src/engine/engine.js';
import { capOutput } from '../../../src/agent/cap-output.js';
import { parseArguments } from '../../../src/tools/arguments.js';
import { createListFilesTool } from '../../../src/tools/files/list-files.tool.js';
import { createReadFileTool } from '../../../src/tools/files/read-file.tool.js';
import { createWriteFileTool } from '../../../src/tools/files/write-file.tool.js';
import type { SandboxProvider } from '../../../src/sandbox/sandbox.js';
import {
  createJavascriptTool,
  type JavascriptRunner,
} from '../../../src/tools/javascript/javascript.tool.js';
import { createPythonTool } from '../../../src/tools/python/python.tool.js';
import { scriptedContext } from '../../../src/tools/scripted-context.js';
import { createTerminalTool } from '../../../src/tools/terminal/terminal.tool.js';
import type { Tool, Workspace } from '../../../src/tools/tool.js';
import type { EvaluationCase } from './evaluation-case.js';

const WITHOUT_SANDBOX = ['javascript', 'read_file', 'write_file', 'list_files'];
const TOOL_TIMEOUT_MS = 30_000;

/** The product's own tools, in the product's order. */
export function productTools(javascript: JavascriptRunner, sandboxes: SandboxProvider): readonly Tool[] {
  return [
    createPythonTool(sandboxes),
    createJavascriptTool(javascript),
    createTerminalTool(sandboxes),
    createReadFileTool(),
    createWriteFileTool(),
    createListFilesTool(),
  ];
}

export interface ToolAnswer {
  readonly content: string;
  /** No such tool, or arguments that do not fit it. */
  readonly invalid: boolean;
}

/** The tools of one dialogue. */
export class Toolbox {
  private readonly offered: readonly Tool[];
  private calls = 0;

  constructor(
    private readonly one: Pick<EvaluationCase, 'id' | 'tools' | 'custom'>,
    product: readonly Tool[],
    web: readonly Tool[],
    private readonly workspace: Workspace,
    private readonly contextSize: number,
  ) {
    const { tools } = one;
    const all = [...product, ...web];
    this.offered =
      tools === 'product'
        ? product
        : tools === 'all'
          ? all
          : all.filter((tool) => (tools === 'no_sandbox' ? WITHOUT_SANDBOX : tools).includes(tool.name));
  }

  specs(): ToolSpec[] {
    const own = this.offered.map(({ name, description, parameters }) => {
      const { $schema: _, ...schema } = z.toJSONSchema(parameters);
      return { name, description, parameters: schema };
    });
    const custom = this.one.custom.map(({ name, parameters }) => ({
      name,
      description: `The tool ${name}.`,
      parameters: {
        type: 'object',
        properties: Object.fromEntries(parameters.map((parameter) => [parameter, { type: 'string' }])),
        required: parameters,
      },
    }));
    return [...own, ...custom];
  }

  /** Runs the call for real; the texts for calls that cannot be run are the product's. */
  async run(call: ToolCallRequest): Promise<ToolAnswer> {
    const custom = this.one.custom.find(({ name }) => name === call.name);
    if (custom) return { content: custom.result, invalid: false };
    const tool = this.offered.find(({ name }) => name === call.name);
    if (!tool) {
      const known = this.specs().map(({ name }) => name);
      const offer = known.length > 0 ? `Available: ${known.join(', ')}.` : 'No tools are available.';
      return {
        content: `Error: there is no tool named ${JSON.stringify(call.name)}. ${offer}`,
        invalid: true,
      };
    }
    const parsed = parseArguments(call.arguments, tool.parameters);
    if (!parsed.ok) return { content: `Error: ${parsed.problem}`, invalid: true };
    const context = scriptedContext({
      sessionId: this.one.id,
      runId: this.one.id,
      toolCallId: call.id,
      round: this.calls++,
      timeoutMs: TOOL_TIMEOUT_MS,
      workspace: this.workspace,
    });
    const outcome = await tool.execute(parsed.value, context);
    return { content: capOutput(outcome.content, this.contextSize, undefined).content, invalid: false };
  }
}
