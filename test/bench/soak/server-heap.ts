import { once } from 'node:events';
import { WebSocket } from 'ws';
import { z } from 'zod';
import { until } from '../../support/until.js';
import type { Rig } from '../rig.js';

const OPEN_BOUND_MS = 10_000;
const ANSWER_BOUND_MS = 30_000;

const memorySchema = z.object({ heapTotal: z.number(), heapUsed: z.number(), external: z.number() });
const answerSchema = z.looseObject({
  id: z.number(),
  result: z.looseObject({ result: z.looseObject({ value: z.unknown() }).optional() }).optional(),
});

/** Bytes, as `process.memoryUsage()` counts them; `external` holds the buffers too. */
export type HeapFigures = z.infer<typeof memorySchema>;

/** The server's own heap, seen through its inspector: nothing of the server is made for it. */
export interface ServerHeap {
  figures(): Promise<HeapFigures>;
  /** Just after a collection: all that is in use then is held by somebody. V8 keeps the room that it took. */
  figuresAfterCollection(): Promise<HeapFigures>;
  /** V8 then keeps no room either that nothing is in. */
  giveBack(): Promise<void>;
  close(): void;
}

const FIGURES = 'process.memoryUsage()';

/** At once, as a busy server makes new garbage meanwhile. Only contexts made after the flag was set have `gc`. */
const FIGURES_AFTER_COLLECTION = `process.getBuiltinModule('v8').setFlagsFromString('--expose-gc');
process.getBuiltinModule('vm').runInNewContext('gc')(); ${FIGURES}`;

/** For the server's environment: its inspector then takes a free port, once it is asked for one. */
export const HEAP_ENVIRONMENT = { NODE_OPTIONS: '--inspect-port=127.0.0.1:0' };

export async function openServerHeap({ pid, output }: Rig): Promise<ServerHeap> {
  process.kill(pid, 'SIGUSR1');
  const url = await until(
    'the inspector listens',
    OPEN_BOUND_MS,
    () => /Debugger listening on (\S+)/.exec(output())?.[1],
  );
  const socket = new WebSocket(url, { perMessageDeflate: false });
  await once(socket, 'open');
  socket.on('error', () => undefined);
  let last = 0;
  const ask = async (method: string, params: Readonly<Record<string, unknown>>): Promise<unknown> => {
    last += 1;
    const id = last;
    const { promise, resolve } = Promise.withResolvers<unknown>();
    const take = (text: Buffer): void => {
      const answer = answerSchema.safeParse(JSON.parse(text.toString('utf8')));
      if (answer.data?.id === id) resolve(answer.data.result?.result?.value);
    };
    socket.on('message', take);
    socket.send(JSON.stringify({ id, method, params }));
    const late = setTimeout(() => resolve(undefined), ANSWER_BOUND_MS);
    return promise.finally(() => {
      clearTimeout(late);
      socket.off('message', take);
    });
  };
  const evaluate = async (expression: string): Promise<HeapFigures> =>
    memorySchema.parse(await ask('Runtime.evaluate', { expression, returnByValue: true }));
  return {
    figures: () => evaluate(FIGURES),
    figuresAfterCollection: () => evaluate(FIGURES_AFTER_COLLECTION),
    giveBack: async () => void (await ask('HeapProfiler.collectGarbage', {})),
    // The server's end would wait for it.
    close: () => socket.terminate(),
  };
}
