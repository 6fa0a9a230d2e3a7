import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Sandbox } from '../../../src/sandbox/sandbox.js';
import { figureOf, type Figures, interleave, printHeading, printRatio, printRow } from '../measure.js';
import { acquire, exec, type Place, withProvider } from './places.js';

const FILES = [
  { label: '20 KB', bytes: 20_000, rounds: 50 },
  { label: '50 MB', bytes: 50_000_000, rounds: 5 },
] as const;
const NAME = 'out.bin';

/** A file out of the sandbox: through the port, through `docker exec`, and from `cat` of a file of this machine. */
export async function benchFiles(places: readonly Place[]): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'gantry-bench-files-'));
  try {
    for (const place of places) {
      await withProvider(place, 0, async (provider) => {
        const sandbox = await acquire(provider, 'files');
        for (const file of FILES) await benchFile(file, place, sandbox, join(folder, NAME));
      });
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function benchFile(
  { label, bytes, rounds }: (typeof FILES)[number],
  place: Place,
  sandbox: Sandbox,
  hostFile: string,
): Promise<void> {
  await writeFile(hostFile, Buffer.alloc(bytes, 'x'));
  await exec(sandbox, `open('${NAME}', 'wb').write(b'x' * ${bytes})`);
  const contenders: Record<string, () => Promise<Figures>> = {
    port: () => counted(bytes, sandbox.read(NAME, bytes)),
    cat: () => printed(bytes, 'cat', [hostFile]),
  };
  if (place.name === 'docker') {
    contenders['exec'] = () => printed(bytes, 'docker', ['exec', sandbox.id, 'cat', `/workspace/${NAME}`]);
  }
  const measured = await interleave({ warmUp: 1, rounds }, contenders);
  const ms = (name: string): number[] => figureOf(measured[name] ?? [], 'ms');
  printHeading(`  a file of ${label} out, ${rounds} rounds`);
  printRow(`${place.name} port`, ms('port'), 'ms');
  printRow('cat of a file of this machine', ms('cat'), 'ms');
  printRatio(`${place.name} port / cat`, ms('port'), ms('cat'));
  if (contenders['exec'] === undefined) return;
  printRow('docker exec cat', ms('exec'), 'ms');
  printRatio('docker exec / port', ms('exec'), ms('port'));
}

async function counted(bytes: number, chunks: AsyncIterable<Uint8Array>): Promise<Figures> {
  const started = performance.now();
  let seen = 0;
  for await (const chunk of chunks) seen += chunk.length;
  if (seen !== bytes) throw new Error(`${seen} bytes came instead of ${bytes}.`);
  return { ms: performance.now() - started };
}

async function printed(bytes: number, command: string, argumentList: readonly string[]): Promise<Figures> {
  const started = performance.now();
  const child = spawn(command, argumentList, { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'exit');
  await counted(bytes, child.stdout);
  await ended;
  return { ms: performance.now() - started };
}
