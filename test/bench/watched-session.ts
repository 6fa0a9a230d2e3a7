import type { Rig } from './rig.js';

/** When a call's result came, when its run was over, and the value a Python call gave. */
export interface WatchedCall {
  readonly completeAt: number;
  readonly doneAt: number;
  readonly value: string | undefined;
  /** Its status and, where its sandbox gave one, its outcome: `failed out_of_memory`. */
  readonly ending: string;
}

export interface WatchedSession {
  readonly id: string;
  invoke(tool: string, argumentObject: Readonly<Record<string, unknown>>): Promise<WatchedCall>;
}

/** A session whose events are watched from its start, as a chat client does, and whose tools are called by hand. */
export async function watchedSession({ client }: Rig): Promise<WatchedSession> {
  const { id } = await client.createSession();
  const events = client.session(id).events();
  return {
    id,
    invoke: async (name, argumentObject) => {
      const invoked = client.invokeTool({
        session_id: id,
        name,
        arguments: argumentObject,
        agent_permission: 'auto',
      });
      let completeAt = Number.NaN;
      let value: string | undefined;
      let ending = 'without a result';
      for (;;) {
        const { value: item } = await events.next();
        if (item?.type === 'agentic_tool_call_progress' && item.phase === 'complete') {
          completeAt = performance.now();
          if (item.data.tool_type === 'code_execution') ({ value } = item.data);
          ending = [item.status, 'outcome' in item.data ? item.data.outcome : undefined]
            .filter(Boolean)
            .join(' ');
        }
        if (item === undefined || item.type === 'done' || item.type === 'model_error') break;
      }
      const doneAt = performance.now();
      await invoked;
      return { completeAt, doneAt, value, ending };
    },
  };
}
