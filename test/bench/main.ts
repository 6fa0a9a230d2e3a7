import { parseArgs } from 'node:util';
import { cpus, loadavg, release, totalmem } from 'node:os';
import { benchEngine } from './engine/engine.js';
import { benchLargeEngine } from './engine/large.js';
import { benchReplay } from './replay.js';
import { benchSandbox } from './sandbox/sandbox.js';
import { soak } from './soak/soak.js';
import { benchStartup } from './startup.js';
import { benchStream } from './stream.js';

const AREAS: Readonly<Record<string, () => Promise<void>>> = {
  stream: benchStream,
  engine: benchEngine,
  sandbox: benchSandbox,
  replay: benchReplay,
  startup: benchStartup,
};

/** Makes a model of 320 MB first, so nobody gets it without asking. */
const LARGE_ENGINE = 'engine-large';
/** Takes as long as it is told, so nobody gets it without asking. */
const SOAK = 'soak';
const NAMES = [...Object.keys(AREAS), LARGE_ENGINE, SOAK];

async function main(): Promise<void> {
  const { positionals: asked, values } = parseArgs({
    allowPositionals: true,
    options: {
      minutes: { type: 'string', default: '10' },
      sessions: { type: 'string', default: '8' },
    },
  });
  const unknown = asked.filter((area) => !NAMES.includes(area));
  if (unknown.length > 0) {
    throw new Error(`No area ${unknown.join(', ')}; there is ${NAMES.join(', ')}.`);
  }
  const [minutes, sessions] = [Number(values.minutes), Number(values.sessions)];
  if (!(minutes > 0) || !(Number.isInteger(sessions) && sessions > 0)) {
    throw new Error('A soak needs --minutes and --sessions over 0.');
  }
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
  if (asked.includes(LARGE_ENGINE)) await benchLargeEngine();
  if (asked.includes(SOAK)) await soak({ minutes, sessions });
  process.stdout.write(`\nload after: ${load()}\n`);
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exitCode = 1;
});
