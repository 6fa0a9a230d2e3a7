import type { ClientFrame } from './frames.js';
import type { CreatedRun, GatewayServices } from './gateway-services.js';
import type { Subscriptions } from './subscriptions.js';

export interface FrameOutcome {
  readonly result: Record<string, unknown>;
  /** To be done once the ack is out. */
  readonly afterAck?: () => void;
  /** A run that is to be cancelled when the connection goes. */
  readonly tiedRun?: string;
}

/**
 * Frames of one lane are handled in order: those about one session, whose order means something.
 * Undefined: at once, since a cancel or a decision must not wait behind what it may be freeing.
 */
export function laneOf(frame: ClientFrame): string | undefined {
  switch (frame.type) {
    case 'run.cancel':
    case 'approval.decide':
      return undefined;
    case 'session.subscribe':
    case 'session.unsubscribe':
    case 'tool.invoke':
      return frame.session_id;
    case 'run.create':
      return frame.session_id ?? 'new session';
    case 'session.create':
      return 'new session';
    case 'run.steer':
      return frame.run_id;
    case 'tool_result.submit':
      return frame.tool_call_id;
    default:
      return frame satisfies never;
  }
}

/** Does what the frame asks. Throws what the services throw. */
export async function dispatchFrame(
  frame: ClientFrame,
  services: GatewayServices,
  subscriptions: Subscriptions,
): Promise<FrameOutcome> {
  const { id: _, ...rest } = frame;
  switch (rest.type) {
    case 'session.create': {
      const { type: _type, ...request } = rest;
      return { result: { ...(await services.createSession(request)) } };
    }
    case 'session.subscribe': {
      const afterSeq = rest.after_seq ?? 0;
      const { start } = await subscriptions.open(rest.session_id, afterSeq);
      return { result: { session_id: rest.session_id, after_seq: afterSeq }, afterAck: start };
    }
    case 'session.unsubscribe':
      subscriptions.close(rest.session_id);
      return { result: {} };
    case 'run.create': {
      const { type: _type, ...request } = rest;
      const created = await services.createRun(request);
      const isTied = created.created && request.cancel_on_disconnect === true;
      return { result: describeRun(created), ...(isTied && { tiedRun: created.run.id }) };
    }
    case 'run.cancel': {
      const { type: _type, ...keys } = rest;
      return { result: { ...(await services.cancel(keys)) } };
    }
    case 'run.steer':
      await services.steer(rest.run_id, rest.text);
      return { result: {} };
    case 'approval.decide': {
      const { type: _type, approval_id: approvalId, ...decision } = rest;
      return { result: { ...(await services.decide(approvalId, decision)) } };
    }
    case 'tool.invoke': {
      const { type: _type, ...request } = rest;
      return { result: describeRun(await services.invokeTool(request)) };
    }
    case 'tool_result.submit': {
      const { type: _type, ...submission } = rest;
      await services.submitToolResult(submission);
      return { result: {} };
    }
    default:
      return rest satisfies never;
  }
}

function describeRun({ run, created, afterSeq }: CreatedRun): Record<string, unknown> {
  return { run, session_id: run.session_id, created, after_seq: afterSeq };
}
