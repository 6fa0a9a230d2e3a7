import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import { type HubName, parseModelName } from '../../src/models/model-name.js';
import type { PullEvent } from '../../src/models/pull-event.js';
import { pullModel, type PullOptions } from '../../src/models/pull-model.js';
import { ModelHub, sha256Of } from '../support/model-hub.js';

export const CONTENT = randomBytes(300_000);
export const OTHER = randomBytes(300_000);
const QUICK = { attempts: 3, firstDelayMs: 1, longestDelayMs: 5 };

/** Made anew before each test: a hub with one model, and a home to fetch it into. */
export let hub: ModelHub;
export let home: string;
export let modelsDirectory: string;
export let events: PullEvent[];

export function freshHubForEachTest(): void {
  beforeEach(async () => {
    hub = await ModelHub.start();
    hub.files.set('m-Q4_K_M.gguf', { content: CONTENT });
    home = await mkdtemp(join(tmpdir(), 'gantry-pull-'));
    modelsDirectory = join(home, 'models');
    events = [];
  });
  afterEach(async () => {
    await hub.stop();
    await rm(home, { recursive: true, force: true });
  });
}

export function nameOf(text: string): HubName {
  return parseModelName(text) as HubName;
}

export function pull(text = 'hf:o/r:Q4_K_M', options: Partial<PullOptions> = {}) {
  return pullModel(nameOf(text), {
    modelsDirectory,
    hub: { endpoint: hub.endpoint },
    retry: QUICK,
    idleMs: 500,
    onEvent: (event) => events.push(event),
    ...options,
  });
}

export const target = () => join(modelsDirectory, 'o', 'r', 'm-Q4_K_M.gguf');
export const part = () => `${target()}.part`;
export const content = () => readFile(target());

/** A beginning of the file with the state that belongs to it, as a killed process leaves it. */
export async function leaveBeginning(bytes: Buffer, state: Record<string, unknown> = {}): Promise<void> {
  await mkdir(dirname(target()), { recursive: true });
  await writeFile(part(), bytes);
  const etag = `"${sha256Of(CONTENT)}"`;
  const writer = { pid: 1, host: 'elsewhere' };
  const whole = { size: CONTENT.length, sha256: sha256Of(CONTENT), etag, writer, ...state };
  await writeFile(`${part()}.json`, JSON.stringify(whole));
}
