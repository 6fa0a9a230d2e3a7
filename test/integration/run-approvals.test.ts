import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { calls, says, type ScriptedTurn } from '../../src/engine/scripted/scripted-turn.js';
import type { CreateRunRequest } from '../../src/runs/run-request.js';
import {
  calling,
  follow,
  isDone,
  ofType,
  OWNER,
  responseOf,
  echoAndReach,
  type WorkerProcess,
  workUntil,
} from './run-harness.js';
import { RunWorkers } from './run-workers.js';

let workers: RunWorkers;
let worker: WorkerProcess;
const executed: string[] = [];
const tools = echoAndReach((value) => executed.push(value));

beforeAll(async () => {
  workers = await RunWorkers.open();
  worker = await workers.start(tools);
});

afterAll(() => workers.close());

/** A run that has let go of its worker and waits for a person. */
function ask(request: CreateRunRequest, turns: readonly ScriptedTurn[]) {
  return workUntil(worker, 'run_waiting', request, turns);
}

describe('an approval', () => {
  test('what reaches out asks by itself; approved it runs, from another connection', async () => {
    const { sessionId, approvalId, asked, runId } = await ask({ input: 'reach' }, [
      calling('reach', 'a'),
      says('Reached.'),
    ]);
    expect(asked[0]).toMatchObject({
      tool_name: 'reach',
      arguments: { value: 'a' },
      tool: { source: 'built_in' },
    });
    expect(await worker.runs.get(OWNER, runId)).toMatchObject({ state: 'waiting_approval' });
    expect(await worker.approvals.list(OWNER, { status: 'pending' })).toMatchObject([
      { id: approvalId, run_id: runId },
    ]);
    expect(executed).not.toContain('a');
    const view = await worker.approvals.decide(OWNER, approvalId, { decision: 'approve' });
    expect(view).toMatchObject({ state: 'approved', decided_by: OWNER });
    const events = await follow(worker, sessionId, isDone);
    expect(responseOf(events).agentic_tool_calls).toMatchObject([
      { status: 'succeeded', result_content: 'reached a' },
    ]);
    expect(events.map(({ type }) => type).filter((type) => type.startsWith('agentic'))).toEqual([
      'agentic_tool_call_progress',
      'agentic_tool_approval_required',
      'agentic_tool_approval_resolved',
      'agentic_tool_call_progress',
    ]);
  });

  test('denied, the model is given the reason and goes on', async () => {
    const { sessionId, approvalId } = await ask({ input: 'no' }, [
      calling('reach', 'denied'),
      says('All right.'),
    ]);
    await worker.approvals.decide(OWNER, approvalId, { decision: 'deny', message: 'Not today.' });
    const events = await follow(worker, sessionId, isDone);
    expect(responseOf(events)).toMatchObject({
      choices: [{ message: { content: 'All right.' } }],
      agentic_tool_calls: [{ status: 'denied', result_content: 'Not today.' }],
    });
    expect(executed).not.toContain('denied');
  });

  test('the first decision stands; the same key is the same answer', async () => {
    const { sessionId, approvalId } = await ask({ input: 'once' }, [calling('reach', 'once'), says('Ok.')]);
    const decision = { decision: 'approve', decision_key: 'k1' } as const;
    const decided = await Promise.allSettled([
      worker.approvals.decide(OWNER, approvalId, decision),
      worker.approvals.decide(OWNER, approvalId, decision),
    ]);
    expect(decided.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled']);
    await expect(worker.approvals.decide(OWNER, approvalId, { decision: 'deny' })).rejects.toMatchObject({
      code: 'conflict',
      reason: 'approval_already_decided',
    });
    await follow(worker, sessionId, isDone);
    expect(executed.filter((value) => value === 'once')).toHaveLength(1);
  });

  test("someone else's approval is not there", async () => {
    const { sessionId, approvalId } = await ask({ input: 'mine' }, [calling('reach', 'mine'), says('Ok.')]);
    await expect(
      worker.approvals.decide('mallory', approvalId, { decision: 'approve' }),
    ).rejects.toMatchObject({ code: 'not_found' });
    await expect(worker.approvals.get('mallory', approvalId)).rejects.toMatchObject({ code: 'not_found' });
    expect(await worker.approvals.list('mallory', {})).toEqual([]);
    await worker.approvals.decide(OWNER, approvalId, { decision: 'deny' });
    await follow(worker, sessionId, isDone);
  });

  test('edited arguments are checked again and are what runs', async () => {
    const { sessionId, approvalId } = await ask({ input: 'edit' }, [calling('reach', 'before'), says('Ok.')]);
    const wrong = worker.approvals.decide(OWNER, approvalId, {
      decision: 'approve',
      edited_arguments: { value: 7 },
    });
    await expect(wrong).rejects.toMatchObject({ code: 'invalid_request', param: 'arguments.value' });
    await worker.approvals.decide(OWNER, approvalId, {
      decision: 'approve',
      edited_arguments: { value: 'after' },
    });
    const events = await follow(worker, sessionId, isDone);
    expect(responseOf(events).agentic_tool_calls).toMatchObject([
      { arguments: '{"value":"after"}', result_content: 'reached after' },
    ]);
    expect(executed).not.toContain('before');
  });

  test('remembered for the session it is not asked again there, until the rule is revoked', async () => {
    const { sessionId, approvalId } = await ask({ input: 'remember' }, [calling('reach', 'r1'), says('Ok.')]);
    await worker.approvals.decide(OWNER, approvalId, { decision: 'approve', remember_for_session: true });
    const first = await follow(worker, sessionId, isDone);
    worker.engine.enqueue(calling('reach', 'r2'), says('Again.'));
    await worker.runs.create(OWNER, { input: 'again', session_id: sessionId });
    const second = await follow(worker, sessionId, isDone, first.at(-1)?.seq);
    expect(ofType(second, 'agentic_tool_approval_required')).toEqual([]);
    expect(executed).toContain('r2');
    const [rule] = await worker.rules.list(OWNER, sessionId);
    expect(rule).toMatchObject({ tool: 'reach', decision: 'allow', created_by: OWNER });
    await worker.rules.revoke(OWNER, sessionId, rule?.id ?? '');
    const again = await ask({ input: 'and again', session_id: sessionId }, [
      calling('reach', 'r3'),
      says('Ok.'),
    ]);
    expect(again.asked).toHaveLength(1);
    await worker.approvals.decide(OWNER, again.approvalId, { decision: 'deny' });
    await follow(worker, sessionId, isDone, again.seq);
  });

  test('in time nobody decides: it is denied and the run goes on', async () => {
    const { sessionId } = await ask({ input: 'expire', approval_timeout: 0.05 }, [
      calling('reach', 'late'),
      says('Too late.'),
    ]);
    const events = await follow(worker, sessionId, isDone);
    expect(ofType(events, 'agentic_tool_approval_resolved')).toMatchObject([
      { decision: 'expired', decided_by: null },
    ]);
    expect(responseOf(events).agentic_tool_calls).toMatchObject([
      { status: 'denied', result_content: 'Approval timed out.' },
    ]);
  });

  test('the request asks for all, or denies all', async () => {
    const { sessionId, approvalId } = await ask({ input: 'ask', agent_permission: 'ask' }, [
      calling('echo', 'asked'),
      says('Ok.'),
    ]);
    await worker.approvals.decide(OWNER, approvalId, { decision: 'approve' });
    await follow(worker, sessionId, isDone);
    worker.engine.enqueue(calling('echo', 'never'), says('Denied.'));
    const { run } = await worker.runs.create(OWNER, { input: 'deny', agent_permission: 'deny' });
    const events = await follow(worker, run.session_id, isDone);
    expect(responseOf(events).agentic_tool_calls).toMatchObject([
      { status: 'denied', result_content: 'echo was denied by policy.' },
    ]);
    expect(executed).not.toContain('never');
  });

  test('the modes differ: what is allowed runs at once, or waits for the whole batch', async () => {
    const both = (tag: string) =>
      calls(
        { name: 'reach', arguments: { value: `${tag} asked` } },
        { name: 'echo', arguments: { value: `${tag} allowed` } },
      );
    worker.engine.enqueue(both('streaming'));
    const streaming = await worker.runs.create(OWNER, {
      input: 's',
      tool_execution_mode: 'parallel_streaming',
    });
    await follow(worker, streaming.run.session_id, (event) => event.type === 'run_waiting');
    expect(executed).toContain('streaming allowed');
    worker.engine.enqueue(both('batch'));
    const batch = await worker.runs.create(OWNER, {
      input: 'b',
      tool_execution_mode: 'parallel_batch_approval',
    });
    await follow(worker, batch.run.session_id, (event) => event.type === 'run_waiting');
    expect(executed).not.toContain('batch allowed');
    worker.engine.enqueue(says('Ok.'), says('Ok.'));
    for (const { id } of await worker.approvals.list(OWNER, { status: 'pending' })) {
      await worker.approvals.decide(OWNER, id, { decision: 'approve' });
    }
    const events = await follow(worker, batch.run.session_id, isDone);
    expect(responseOf(events).agentic_tool_calls.map(({ result_content }) => result_content)).toEqual([
      'reached batch asked',
      'echo: batch allowed',
    ]);
    await follow(worker, streaming.run.session_id, isDone);
  });

  test('cancelled while it waits, the approval is over', async () => {
    const { sessionId, approvalId, runId } = await ask({ input: 'cancel' }, [calling('reach', 'cancelled')]);
    expect(await worker.runs.cancel(OWNER, { run_id: runId })).toEqual({ cancelled: [runId] });
    const events = await follow(worker, sessionId, isDone);
    expect(responseOf(events).stop_reason).toBe('cancelled');
    await expect(worker.approvals.decide(OWNER, approvalId, { decision: 'approve' })).rejects.toMatchObject({
      code: 'conflict',
    });
    expect(executed).not.toContain('cancelled');
  });
});
