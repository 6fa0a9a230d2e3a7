import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { ChatMessage, Engine } from '../../src/engine/engine.js';
import { demoEngine } from '../fixtures/models/demo-engine.js';
import { conversation } from '../fixtures/models/demo-requests.js';
import { collect, textOf } from './engine-conformance.js';

const never = new AbortController().signal;
/** Less than one state of these conversations takes. */
const ROOM_BYTES = 512 * 1024;

/** A file system of its own where that may be made, else the process's own limit on files. Tells which. */
function bound(folder: string, pid: () => number): { readonly by: string; apply(): void } {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${ROOM_BYTES}`, 'gantry-test', folder], {
      stdio: 'ignore',
    });
    onTestFinished(() => void execFileSync('umount', [folder]));
    return { by: 'a full file system', apply: () => undefined };
  } catch {
    const apply = () =>
      void execFileSync('prlimit', [`--pid=${pid()}`, `--fsize=${ROOM_BYTES}`], { stdio: 'ignore' });
    return { by: 'a limit on the size of files', apply };
  }
}

function opening(session: number): ChatMessage[] {
  const story = Array.from({ length: 40 }, (_, n) => `${n + session} plus ${n * 3}`).join(', ');
  return [{ role: 'user', content: `Remember ${story}.` }];
}

/** Two turns of two sessions by turns on one sequence, so that each makes room for the other. */
async function play(engine: Engine): Promise<string[]> {
  const texts: string[] = [];
  for (const second of [
    [],
    [
      { role: 'assistant', content: 'Yes.', toolCalls: [] },
      { role: 'user', content: 'Hello!' },
    ],
  ]) {
    for (const session of [1, 2]) {
      const messages = [...opening(session), ...(second as ChatMessage[])];
      const request = conversation(messages, {
        sessionId: `s${session}`,
        tools: [],
        sampling: { maxTokens: 24 },
      });
      const events = await collect(engine.generate(request, never));
      expect(events.at(-1)?.type).toBe('stop');
      texts.push(textOf(events));
    }
  }
  return texts;
}

test('a full disk costs the kept states and nothing else', async () => {
  const home = await mkdtemp(join(tmpdir(), 'gantry-full-'));
  onTestFinished(() => rm(home, { recursive: true, force: true }));
  const kept = join(home, 'kv');
  await mkdir(kept);
  const without = demoEngine({ sequences: 1 });
  const undisturbed = await play(without);
  await without.close();
  const pid = () => {
    const status = engine.status();
    return status.state === 'ready' ? status.hostPid : 0;
  };
  const { by, apply } = bound(kept, pid);
  const engine = demoEngine({ sequences: 1, homeDirectory: home, stateCacheBytes: 2 ** 28 });
  await engine.capabilities();
  apply();
  const host = pid();
  expect(await play(engine)).toEqual(undisturbed);
  expect(pid()).toBe(host);
  // What could not be written whole is not left lying there.
  const own = (await readdir(kept)).filter((name) => name.startsWith('host-'));
  expect(own).toHaveLength(1);
  expect(await readdir(join(kept, own[0] ?? ''))).toEqual([]);
  await engine.close();
  console.log(`The disk was full by ${by}.`);
});
