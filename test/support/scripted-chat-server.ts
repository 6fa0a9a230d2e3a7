import { LoopbackServer } from '../../src/client/loopback-server.js';
import type { EventPayload, PayloadOf } from '../../src/events/event.js';
import type { GatewayServices } from '../../src/gateway/gateway-services.js';
import { ScriptedLog, scriptedServices } from '../../src/gateway/scripted-gateway.js';
import type { ApprovalDecision, CancelKeys, CreateRunRequest } from '../../src/runs/run-request.js';
import type { ApprovalView } from '../../src/runs/run-view.js';
import type { SessionView } from '../../src/sessions/session-request.js';
import { runView } from './run-view.js';

const USAGE = {
  prompt_tokens: 1,
  completion_tokens: 2,
  total_tokens: 3,
  avg_tok_per_sec: 1,
  avg_prompt_tok_per_sec: 1,
  avg_compl_tok_per_sec: 1,
  total_time_sec: 1,
  total_prompt_time_sec: 1,
  total_completion_time_sec: 1,
};

export function done(): PayloadOf<'done'> {
  const response = {
    id: 'x',
    session_id: 'sess_1',
    model: 'demo',
    created: 0,
    choices: [],
    stop_reason: 'stop' as const,
    usage: USAGE,
    agentic_tool_calls: [],
    files: [],
  };
  return { type: 'done', response };
}

export function text(content: string): EventPayload {
  const choices = [{ index: 0, delta: { content }, finish_reason: null }];
  return { type: 'chunk', round: 0, attempt: 0, offset: 0, choices };
}

export function approval(args: unknown = { code: 'print(1)' }): EventPayload {
  return {
    type: 'agentic_tool_approval_required',
    approval_id: 'appr_1',
    round: 0,
    tool_call_id: 'call_1',
    tool_name: 'python',
    tool: { source: 'built_in', kind: 'code_execution', label: 'Run Python' },
    arguments: args,
    expires_at: null,
  };
}

export function resolved(decision: 'approve' | 'deny' | 'cancelled'): EventPayload {
  return {
    type: 'agentic_tool_approval_resolved',
    approval_id: 'appr_1',
    tool_call_id: 'call_1',
    decision,
    decided_by: 'owner',
    message: null,
  };
}

const SESSION: SessionView = {
  id: 'sess_1',
  object: 'session',
  title: null,
  system_prompt: null,
  sandbox_profile: null,
  egress: [],
  parent_id: null,
  last_seq: 0,
  created_at: '',
  updated_at: '',
};
const APPROVAL: ApprovalView = {
  id: '',
  object: 'approval',
  session_id: 'sess_1',
  run_id: 'run_1',
  tool_call_id: 'call_1',
  state: 'approved',
  tool_name: 'python',
  tool: { source: '', kind: '', label: '' },
  arguments: {},
  arguments_hash: '',
  edited_arguments: null,
  message: null,
  remember_for_session: false,
  decided_by: null,
  expires_at: null,
  created_at: '',
  decided_at: null,
};

/** A server that answers each message with the next script. */
export class ScriptedServer {
  readonly log = new ScriptedLog('sess_1');
  readonly requests: CreateRunRequest[] = [];
  readonly decisions: ApprovalDecision[] = [];
  readonly cancels: CancelKeys[] = [];
  readonly steers: string[] = [];
  readonly server: LoopbackServer;
  onDecide: (decision: ApprovalDecision) => readonly EventPayload[] = () => [];
  private runId = '';

  constructor(private readonly scripts: (readonly EventPayload[])[]) {
    const services: Partial<GatewayServices> = {
      createSession: async () => SESSION,
      createRun: async (request) => {
        this.requests.push(request);
        this.runId = `run_${this.requests.length}`;
        const afterSeq = this.log.lastSeq;
        this.say({ type: 'message', message_id: 'm', role: 'user', content: request.input });
        this.say(...(this.scripts.shift() ?? [done()]));
        return { run: runView(this.runId), created: true, afterSeq };
      },
      cancel: async (keys) => {
        this.cancels.push(keys);
        this.say({ type: 'internal_error', message: 'cancelled' });
        return { cancelled: [this.runId] };
      },
      steer: async (_, text) => {
        this.steers.push(text);
        this.say(done());
      },
      decide: async (id, decision) => {
        this.decisions.push(decision);
        const events = this.onDecide(decision);
        this.say(...events);
        return { ...APPROVAL, id };
      },
    };
    this.server = new LoopbackServer(scriptedServices([this.log], services));
  }

  say(...payloads: readonly EventPayload[]): void {
    const { runId } = this;
    for (const payload of payloads)
      this.log.append({
        ...payload,
        seq: this.log.lastSeq + 1,
        session_id: 'sess_1',
        run_id: runId === '' ? 'run_0' : runId,
        ts: 0,
      });
  }
}
