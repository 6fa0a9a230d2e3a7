import type { DataSource } from 'typeorm';
import { capOutput, MODEL_OUTPUT_LIMIT } from '../agent/cap-output.js';
import { limitsOf, type ServerLimits } from '../agent/limits.js';
import type { Judgement, RunTools } from '../agent/ports.js';
import { earlierAnswer } from '../agent/repeated-call.js';
import type { CallSnapshot, RunSnapshot } from '../agent/snapshot.js';
import type { ToolIdentity } from '../approvals/approval-state.js';
import { decideCall } from '../approvals/policy.js';
import { readRules } from '../approvals/read-rules.js';
import type { ToolSpec } from '../engine/engine.js';
import { messageOf } from '../errors.js';
import { parseArguments } from '../tools/arguments.js';
import { callingData } from '../tools/calling-data.js';
import type { Tool, ToolOutcome } from '../tools/tool.js';
import { type ToolRegistry, toSpec } from '../tools/tool-registry.js';
import type { CallRunner } from './call-runner.js';
import type { AgentPermission, RunOptions } from './run-request.js';

const CLIENT_TOOL: ToolIdentity = { source: 'external', kind: 'external', label: 'Client tool' };
const UNKNOWN_TOOL: ToolIdentity = { source: 'external', kind: 'custom', label: 'Unknown tool' };

/** What a tool of this name is, for events and approvals; names that nobody knows included. */
export function identifyTool(registry: ToolRegistry, options: RunOptions, name: string): ToolIdentity {
  const tool = registry.get(name);
  if (tool) return { source: tool.source, kind: tool.kind, label: tool.label };
  return isClientTool(options, name) ? { ...CLIENT_TOOL, label: name } : UNKNOWN_TOOL;
}

export function isClientTool(options: RunOptions, name: string): boolean {
  return options.tools?.some((tool) => tool.function.name === name) ?? false;
}

/** The server's tools that this request turned on; the request's own functions stand beside them. */
export function offeredTools(registry: ToolRegistry, options: RunOptions): readonly Tool[] {
  if (options.enable_tools === false) return [];
  const only = options.enabled_tools;
  return registry.available().filter((tool) => only === undefined || only.includes(tool.name));
}

export interface RunToolsSettings {
  readonly permissionFloor: AgentPermission;
  readonly limits: ServerLimits;
  /** Characters of a result the model may see, by its window. */
  readonly outputLimit: number;
}

/** The tools of one run: what it may call, under which policy, and the doing. */
export class RegisteredRunTools implements RunTools {
  private readonly offered: ReadonlyMap<string, Tool>;

  constructor(
    private readonly dataSource: DataSource,
    private readonly registry: ToolRegistry,
    private readonly options: RunOptions,
    private readonly runner: CallRunner,
    private readonly settings: RunToolsSettings,
  ) {
    this.offered = new Map(offeredTools(registry, options).map((tool) => [tool.name, tool]));
  }

  specs(): readonly ToolSpec[] {
    const own = [...this.offered.values()].map(toSpec);
    const clients = (this.options.tools ?? []).map(({ function: { name, description, parameters } }) => ({
      name,
      description: description ?? '',
      parameters: parameters ?? { type: 'object', properties: {} },
    }));
    return [...own, ...clients];
  }

  isClientTool(name: string): boolean {
    return isClientTool(this.options, name);
  }

  isPure(name: string): boolean {
    return this.registry.get(name)?.effect === 'pure';
  }

  isSerial(name: string): boolean {
    return this.registry.get(name)?.execution === 'serial';
  }

  async judge(call: CallSnapshot, snapshot: RunSnapshot): Promise<Judgement> {
    if (this.isClientTool(call.name)) return this.judgeClientCall(call);
    const tool = this.offered.get(call.name);
    if (!tool) return { type: 'rejected', content: this.unknownTool(call.name) };
    const parsed = parseArguments(call.arguments, tool.parameters);
    if (!parsed.ok) return { type: 'rejected', content: `Error: ${parsed.problem}` };
    const past = snapshot.pastCalls.filter(
      (other) => other.round < call.round || (other.round === call.round && other.index < call.index),
    );
    const answer = earlierAnswer({ name: call.name, argumentsHash: parsed.hash }, past, (name) =>
      this.isPure(name),
    );
    if (answer !== undefined && snapshot.kind === 'chat') return { type: 'answered', content: answer };
    return this.applyPolicy(tool, snapshot);
  }

  async execute(call: CallSnapshot, snapshot: RunSnapshot, signal: AbortSignal): Promise<void> {
    if (this.isClientTool(call.name)) return this.runner.hand(call);
    const tool = this.registry.get(call.name);
    const parsed = tool && parseArguments(call.arguments, tool.parameters);
    if (!tool || !parsed?.ok) return this.runner.refuse(call, this.unknownTool(call.name));
    const limits = limitsOf(snapshot, this.settings.limits);
    await this.runner.run(call, snapshot, {
      tool: tool.name,
      timeoutMs: limits.toolTimeoutMs,
      signal,
      work: async (context) =>
        this.capped(call, context.workspace, await executeSafely(tool, parsed.value, context, call)),
    });
  }

  private judgeClientCall(call: CallSnapshot): Judgement {
    try {
      JSON.parse(call.arguments || '{}');
      return { type: 'approved' };
    } catch (error) {
      return { type: 'rejected', content: `Error: the arguments are not valid JSON: ${messageOf(error)}` };
    }
  }

  private async applyPolicy(tool: Tool, snapshot: RunSnapshot): Promise<Judgement> {
    const rules = await readRules(this.dataSource.manager, snapshot.sessionId);
    const floors = [this.settings.permissionFloor, this.options.agent_permission ?? 'auto'];
    const decision = decideCall({ toolName: tool.name, reach: tool.reach, rules, floors });
    switch (decision) {
      case 'allow':
        return { type: 'approved' };
      case 'ask':
        return { type: 'ask' };
      case 'deny':
        return { type: 'denied', content: `${tool.label} was denied by policy.` };
      default:
        return decision satisfies never;
    }
  }

  private unknownTool(name: string): string {
    const known = this.specs().map((spec) => spec.name);
    const offer = known.length > 0 ? `Available: ${known.join(', ')}.` : 'No tools are available.';
    return `Error: there is no tool named ${JSON.stringify(name.slice(0, 100))}. ${offer}`;
  }

  /** The model reads head and tail; the whole is kept as a file that it can page. */
  private async capped(
    call: CallSnapshot,
    workspace: Parameters<Tool['execute']>[1]['workspace'],
    outcome: ToolOutcome,
  ): Promise<ToolOutcome> {
    const limit = Math.min(this.settings.outputLimit, MODEL_OUTPUT_LIMIT);
    if (outcome.content.length <= limit) return outcome;
    const name = `tool-output/${call.id}.txt`;
    const kept = await workspace.write(name, Buffer.from(outcome.content.toWellFormed())).then(
      () => name,
      () => undefined,
    );
    return { ...outcome, content: capOutput(outcome.content, limit, kept).content };
  }
}

/** A tool must not reject; one that does has failed, and the run goes on. */
async function executeSafely(
  tool: Tool,
  args: unknown,
  context: Parameters<Tool['execute']>[1],
  call: CallSnapshot,
): Promise<ToolOutcome> {
  try {
    return await tool.execute(args, context);
  } catch (error) {
    const status = context.signal.aborted ? 'cancelled' : 'failed';
    return { status, content: `Error: ${messageOf(error)}`, data: callingData(tool.kind, call.arguments) };
  }
}
