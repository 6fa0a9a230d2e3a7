import { cpus, loadavg, release, totalmem } from 'node:os';
import { benchPython } from './python.js';
import { benchReplay } from './replay.js';
import { benchStartup } from './startup.js';
import { benchStream } from './stream.js';

const AREAS: Readonly<Record<string, () => Promise<void>>> = {
  stream: benchStream,
  python: benchPython,
  replay: benchReplay,
  startup: benchStartup,
};

async function main(): Promise<void> {
  const asked = process.argv.slice(2);
  const unknown = asked.filter((area) => !(area in AREAS));
  if (unknown.length > 0)
    throw new Error(`No area ${unknown.join(', ')}; there is ${Object.keys(AREAS).join(', ')}.`);
  const load = () =>
    loadavg()
      .map((value) => value.toFixed(1))
      .join(' ');
  process.stdout.write(
    `${cpus().length} x ${cpus()[0]?.model ?? 'unknown CPU'}, ${Math.round(totalmem() / 2 ** 30)} GiB, ` +
      `${process.platform} ${release()}, Node ${process.versions.node}; load before: ${load()}\n`,
  );
  for (const [name, bench] of Object.entries(AREAS)) {
    if (asked.length === 0 || asked.includes(name)) await bench();
  }
  process.stdout.write(`\nload after: ${load()}\n`);
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exitCode = 1;
});
