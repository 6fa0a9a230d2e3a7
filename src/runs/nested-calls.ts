import { capOutput, MODEL_OUTPUT_LIMIT } from '../agent/cap-output.js';
import type { ServerCallJudgement } from '../agent/ports.js';
import { allCallsMade, type RunLimits } from '../agent/limits.js';
import type { CallSnapshot, RunSnapshot } from '../agent/snapshot.js';
import { settlesWithin } from '../settles-within.js';
import { isNestedTooDeep, parseArguments } from '../tools/arguments.js';
import type { NestedCallNote, NestedOutcome, NestedTools, Tool } from '../tools/tool.js';
import type { WorkClock } from '../work-clock.js';
import type { CallRunner } from './call-runner.js';
import { executeSafely } from './execute-safely.js';
import type { NestedCallJournal } from './nested-call-journal.js';

/** Calls that the code of one call may make. */
const MAX_CALLS = 100;

/** So long, over all its questions, the clock stands still for people; then it goes on while they think. */
const PATIENCE_MS = 3_600_000;

export interface NestedCallParts {
  readonly journal: NestedCallJournal;
  readonly runner: CallRunner;
  readonly clock: WorkClock;
  readonly limits: RunLimits;
  /** Those that code may call. */
  readonly callable: ReadonlyMap<string, Tool>;
  /** Why code may not call any other. */
  refusal(name: string): string;
  applyPolicy(tool: Tool): Promise<ServerCallJudgement>;
}

/**
 * The calls that one call's code makes: each is judged, asked about, run, streamed and committed as a call of
 * the model's own, and none outlives the call that made it. Parallel ones run at once; serial ones one after the
 * other, in a line of their own: the round's line waits for the parent, so nothing waits in a circle.
 */
export class NestedCalls implements NestedTools {
  private readonly over = new AbortController();
  private readonly broken = new AbortController();
  private readonly signal: AbortSignal;
  private readonly open = new Set<Promise<unknown>>();
  private readonly notes: { tool: string; status: string }[] = [];
  private judging: Promise<unknown> = Promise.resolve();
  private line: Promise<unknown> = Promise.resolve();
  private patienceMs = PATIENCE_MS;
  private count = 0;
  private failure: { readonly error: unknown } | undefined;

  constructor(
    private readonly parent: CallSnapshot,
    private readonly snapshot: RunSnapshot,
    parentSignal: AbortSignal,
    private readonly parts: NestedCallParts,
  ) {
    this.signal = AbortSignal.any([parentSignal, this.over.signal, this.broken.signal]);
  }

  get names(): readonly string[] {
    return [...this.parts.callable.keys()];
  }

  /** Aborted when the run is lost to this worker: the code must not go on. */
  get brokenOff(): AbortSignal {
    return this.broken.signal;
  }

  made(): readonly NestedCallNote[] {
    return this.notes.map((note) => ({ ...note }));
  }

  async call(name: string, args: unknown): Promise<NestedOutcome> {
    const tool = this.parts.callable.get(name);
    if (!tool) return refused(this.parts.refusal(name));
    if (this.signal.aborted) return CANCELLED;
    if (isNestedTooDeep(args)) return refused('The arguments are nested too deep (64 levels at most).');
    this.count += 1;
    if (this.count > MAX_CALLS) {
      return refused(`One call's code may call tools ${MAX_CALLS} times; go on in another call.`);
    }
    const note = { tool: name, status: 'running' };
    this.notes.push(note);
    const work = this.carry(tool, JSON.stringify(args) ?? '{}').catch((error: unknown) =>
      this.breakOff(error),
    );
    this.open.add(work);
    const outcome = await work;
    this.open.delete(work);
    note.status = outcome.status;
    return outcome;
  }

  /** The code has ended, and what it left running ends with it. Rejects when the run was lost meanwhile. */
  async end(): Promise<void> {
    this.over.abort();
    await Promise.all(this.open);
    if (this.failure) throw this.failure.error;
  }

  private breakOff(error: unknown): NestedOutcome {
    this.failure ??= { error };
    this.broken.abort();
    return CANCELLED;
  }

  private async carry(tool: Tool, json: string): Promise<NestedOutcome> {
    // One after the other, so that calls made at once keep the order in which the code made them.
    const judged = this.judging.then(() => this.judge(tool, json));
    this.judging = judged.catch(() => undefined);
    const judgedCall = await judged;
    if (!judgedCall) return refused(allCallsMade(this.parts.limits));
    const { call, judgement } = judgedCall;
    switch (judgement.type) {
      case 'approved':
        return this.execute(tool, call);
      case 'ask': {
        const decided = await this.decision(call);
        if (decided.state === 'approved') return this.execute(tool, decided);
        const status = decided.state === 'denied' ? 'denied' : 'cancelled';
        return { status, content: decided.resultContent ?? '' };
      }
      case 'denied':
        return { status: 'denied', content: judgement.content };
      case 'rejected':
      case 'answered':
        return { status: 'failed', content: judgement.content };
      default:
        return judgement satisfies never;
    }
  }

  /** Undefined when the run may make no more calls. */
  private async judge(
    tool: Tool,
    json: string,
  ): Promise<{ readonly call: CallSnapshot; readonly judgement: ServerCallJudgement } | undefined> {
    const { journal, limits } = this.parts;
    const proposed = { name: tool.name, arguments: json };
    const call = await journal.propose(this.parent, proposed, limits.maxToolCalls);
    if (!call) return undefined;
    const parsed = parseArguments(json, tool.parameters);
    const judgement = parsed.ok ? await this.parts.applyPolicy(tool) : rejected(parsed.problem);
    await journal.judge(call, judgement);
    return { call, judgement };
  }

  private async decision(call: CallSnapshot): Promise<CallSnapshot> {
    const decision = this.parts.journal.decision(call, this.signal);
    const askedAt = performance.now();
    await this.parts.clock.standStill(
      settlesWithin(
        decision.catch(() => undefined),
        this.patienceMs,
      ),
    );
    this.patienceMs = Math.max(0, this.patienceMs - (performance.now() - askedAt));
    return decision;
  }

  private execute(tool: Tool, call: CallSnapshot): Promise<NestedOutcome> {
    if (tool.execution === 'parallel') return this.perform(tool, call);
    const work = this.line.then(() => this.perform(tool, call));
    this.line = work.catch(() => undefined);
    return work;
  }

  private async perform(tool: Tool, call: CallSnapshot): Promise<NestedOutcome> {
    const { journal, runner, limits } = this.parts;
    if (this.signal.aborted) {
      await journal.cancel(call);
      return CANCELLED;
    }
    // Again, since a person may have edited them.
    const parsed = parseArguments(call.arguments, tool.parameters);
    if (!parsed.ok) {
      await runner.refuse(call, `Error: ${parsed.problem}`);
      return refused(parsed.problem);
    }
    let whole: string | undefined;
    const outcome = await runner.run(call, this.snapshot, {
      tool: tool.name,
      timeoutMs: limits.toolTimeoutMs,
      signal: this.signal,
      work: async (context) => {
        const made = await executeSafely(tool, parsed.value, context, call);
        whole = made.content;
        // The code gets the whole; the record, which nobody computes with, head and tail.
        return { ...made, content: capOutput(made.content, MODEL_OUTPUT_LIMIT, undefined).content };
      },
    });
    return { status: outcome.status, content: whole ?? outcome.content, data: outcome.data };
  }
}

const CANCELLED: NestedOutcome = { status: 'cancelled', content: '[cancelled]' };

function refused(content: string): NestedOutcome {
  return { status: 'failed', content };
}

function rejected(problem: string): ServerCallJudgement {
  return { type: 'rejected', content: `Error: ${problem}` };
}
