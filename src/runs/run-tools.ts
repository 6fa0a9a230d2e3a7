import type { DataSource } from 'typeorm';
import { capOutput, MODEL_OUTPUT_LIMIT } from '../agent/cap-output.js';
import { limitsOf, refusedByCount, type ServerLimits } from '../agent/limits.js';
import type { Judgement, RunTools, ServerCallJudgement } from '../agent/ports.js';
import { earlierAnswer } from '../agent/repeated-call.js';
import type { CallSnapshot, RunSnapshot } from '../agent/snapshot.js';
import type { ToolIdentity } from '../approvals/approval-state.js';
import { decideCall } from '../approvals/policy.js';
import { readRules } from '../approvals/read-rules.js';
import type { ToolSpec } from '../engine/engine.js';
import { messageOf } from '../errors.js';
import type { SandboxChoice } from '../sandbox/sandbox.js';
import { parseArguments } from '../tools/arguments.js';
import type { Tool, ToolContext, ToolOutcome } from '../tools/tool.js';
import { type ToolRegistry, toSpec } from '../tools/tool-registry.js';
import type { CallRunner } from './call-runner.js';
import { executeSafely, resumeSafely } from './execute-safely.js';
import type { NestedCallJournal } from './nested-call-journal.js';
import { NestedCalls } from './nested-calls.js';
import type { AgentPermission, RunOptions } from './run-request.js';

const CLIENT_TOOL: ToolIdentity = { source: 'external', kind: 'external', label: 'Client tool' };
const UNKNOWN_TOOL: ToolIdentity = { source: 'external', kind: 'custom', label: 'Unknown tool' };

/** What a tool of this name is, for events and approvals; names that nobody knows included. */
export function identifyTool(registry: ToolRegistry, options: RunOptions, name: string): ToolIdentity {
  if (isClientTool(options, name)) return { ...CLIENT_TOOL, label: name };
  const tool = registry.get(name);
  return tool ? { source: tool.source, kind: tool.kind, label: tool.label } : UNKNOWN_TOOL;
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

/** Who carries the calls out. */
export interface CallWorkers {
  readonly runner: CallRunner;
  readonly nested: NestedCallJournal;
}

export interface RunToolsSettings {
  readonly permissionFloor: AgentPermission;
  readonly limits: ServerLimits;
  /** Characters of a result the model may see, by its window. */
  readonly outputLimit: number;
  /** What the session's calls run in, and which hosts they may reach. */
  readonly sandbox: SandboxChoice;
}

/** The tools of one run: what it may call, under which policy, and the doing. */
export class RegisteredRunTools implements RunTools {
  private readonly offered: ReadonlyMap<string, Tool>;
  /** Those of them that code may call. */
  private readonly callable: ReadonlyMap<string, Tool>;

  constructor(
    private readonly dataSource: DataSource,
    private readonly registry: ToolRegistry,
    private readonly options: RunOptions,
    private readonly workers: CallWorkers,
    private readonly settings: RunToolsSettings,
  ) {
    const { sandbox } = settings;
    const offered = offeredTools(registry, options).map((tool) => tool.inSession?.(sandbox) ?? tool);
    this.offered = new Map(offered.map((tool) => [tool.name, tool]));
    const callable = offered.filter((tool) => tool.callingHint === undefined);
    this.callable = new Map(callable.map((tool) => [tool.name, tool]));
  }

  specs(): readonly ToolSpec[] {
    const own = [...this.offered.values()].map((tool) => this.specOf(tool));
    const clients = (this.options.tools ?? []).map(({ function: { name, description, parameters } }) => ({
      name,
      description: description ?? '',
      parameters: parameters ?? { type: 'object', properties: {} },
    }));
    return [...own, ...clients];
  }

  /** Of calling other tools a model is told only where there are any. */
  private specOf(tool: Tool): ToolSpec {
    const spec = toSpec(tool);
    if (tool.callingHint === undefined || this.callable.size === 0) return spec;
    return { ...spec, description: `${spec.description} ${tool.callingHint}` };
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
    const isClients = this.isClientTool(call.name);
    // One that is returned ends the run, and whoever reads the stream has it already.
    const isReturned = isClients && this.options.client_tools === 'return';
    const limits = limitsOf(snapshot, this.settings.limits);
    const refusal = isReturned ? undefined : refusedByCount(call, snapshot, limits);
    if (refusal !== undefined) return { type: 'rejected', content: refusal };
    if (isClients) return this.judgeClientCall(call);
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
    const { runner } = this.workers;
    if (this.isClientTool(call.name)) return runner.hand(call);
    const tool = this.registry.get(call.name);
    const parsed = tool && parseArguments(call.arguments, tool.parameters);
    if (!tool || !parsed?.ok) return runner.refuse(call, this.unknownTool(call.name));
    const { toolTimeoutMs: timeoutMs } = limitsOf(snapshot, this.settings.limits);
    // Begun by an earlier process: its end is waited for, and nothing begun again.
    if (call.state === 'running') {
      return runner.resume(call, snapshot, {
        tool: tool.name,
        timeoutMs,
        signal,
        work: async (context) => {
          const outcome = await resumeSafely(tool, parsed.value, context, call);
          return outcome && this.capped(call, context.workspace, outcome);
        },
      });
    }
    const carry = (context: ToolContext) => executeSafely(tool, parsed.value, context, call);
    await runner.run(call, snapshot, {
      tool: tool.name,
      timeoutMs,
      signal,
      work: async (context) => {
        const nests = tool.callingHint !== undefined;
        const outcome = nests ? await this.withNested(call, snapshot, context, carry) : await carry(context);
        return this.capped(call, context.workspace, outcome);
      },
    });
  }

  /** The tool's code may call others; what it called has ended when this settles. */
  private async withNested(
    call: CallSnapshot,
    snapshot: RunSnapshot,
    context: ToolContext,
    carry: (context: ToolContext) => Promise<ToolOutcome>,
  ): Promise<ToolOutcome> {
    const nested = new NestedCalls(call, snapshot, context.signal, {
      runner: this.workers.runner,
      journal: this.workers.nested,
      clock: context.clock,
      limits: limitsOf(snapshot, this.settings.limits),
      callable: this.callable,
      refusal: (name) => this.notCallable(name),
      applyPolicy: (tool) => this.applyPolicy(tool, snapshot),
    });
    const signal = AbortSignal.any([context.signal, nested.brokenOff]);
    const outcome = await carry({ ...context, signal, nested });
    await nested.end();
    return outcome;
  }

  private notCallable(name: string): string {
    if (this.isClientTool(name))
      return `${name} is the client's own function, which only the model can call.`;
    if (this.offered.has(name)) return `${name} cannot be called from code; write a function instead.`;
    const names = [...this.callable.keys()];
    const offer = names.length > 0 ? `Code can call: ${names.join(', ')}.` : 'There are no other tools here.';
    return `There is no tool ${JSON.stringify(name.slice(0, 100))}. ${offer}`;
  }

  private judgeClientCall(call: CallSnapshot): Judgement {
    // A stream has shown it already; its client judges the arguments, as it does with OpenAI's.
    if (this.options.client_tools === 'return') return { type: 'returned' };
    try {
      JSON.parse(call.arguments || '{}');
      return { type: 'approved' };
    } catch (error) {
      return { type: 'rejected', content: `Error: the arguments are not valid JSON: ${messageOf(error)}` };
    }
  }

  private async applyPolicy(tool: Tool, snapshot: RunSnapshot): Promise<ServerCallJudgement> {
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
