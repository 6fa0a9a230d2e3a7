import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import Docker from 'dockerode';
import { z } from 'zod';

const eventSchema = z.looseObject({ Action: z.string() });

/** In the order in which a container goes through them; others, such as its renaming, are not counted. */
const COUNTED = ['create', 'start', 'oom', 'kill', 'die', 'destroy'] as const;

export interface EventCounts {
  /** What the engine has said so far, by action. */
  counts(): Readonly<Record<string, number>>;
  close(): void;
}

/** Listens to what the engine says of the containers of one instance, from now on. */
export async function countDockerEvents(owner: string): Promise<EventCounts> {
  const stream = (await new Docker().getEvents({
    filters: { type: ['container'], label: [`gantry.owner=${owner}`] },
  })) as Readable;
  const counts: Record<string, number> = Object.fromEntries(COUNTED.map((action) => [action, 0]));
  createInterface({ input: stream }).on('line', (line) => {
    const { Action: action } = eventSchema.parse(JSON.parse(line));
    const before = counts[action];
    if (before !== undefined) counts[action] = before + 1;
  });
  stream.on('error', () => undefined);
  return { counts: () => counts, close: () => void stream.destroy() };
}
