// Makes the sandbox image ready. Plain Node (18 or newer) without dependencies: set-up runs it
// before anything is installed. Never pulls: an image comes from here or from a person's command.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const FOLDER = fileURLToPath(new URL('.', import.meta.url));
const BASE_IMAGE = 'debian:bookworm-slim';
const WITHOUT_IT = 'The python and terminal tools are off until then; everything else works.';

/** Files whose content decides the image, relative to this folder. */
function sourceFiles() {
  const kernel = readdirSync(join(FOLDER, 'kernel/gantry_kernel')).filter((name) => name.endsWith('.py'));
  return ['python/Dockerfile', ...kernel.map((name) => `kernel/gantry_kernel/${name}`)].toSorted(
    (one, other) => (one < other ? -1 : 1),
  );
}

/** The image's name; another content is another name, so an old image is never taken for the new one. */
export function sandboxImage() {
  const hash = createHash('sha256');
  for (const path of sourceFiles()) {
    const content = readFileSync(join(FOLDER, path));
    hash.update(`${path}\0${content.length}\0`).update(content);
  }
  return `gantry-sandbox:${hash.digest('hex').slice(0, 12)}`;
}

/** Runs a command; resolves to its exit status and the end of what it printed, 127 when there is none. */
function run(command, args, env, onLine = () => {}) {
  return new Promise((resolve) => {
    const tail = [];
    const child = spawn(command, args, { env, cwd: FOLDER, stdio: ['ignore', 'pipe', 'pipe'] });
    const take = (line) => {
      tail.push(line);
      if (tail.length > 15) tail.shift();
      onLine(line);
    };
    createInterface({ input: child.stdout }).on('line', take);
    createInterface({ input: child.stderr }).on('line', take);
    child.on('error', (error) => resolve({ status: 127, tail: error.message }));
    child.on('close', (status) => resolve({ status: status ?? 1, tail: tail.join('\n') }));
  });
}

async function imageExists(image, env) {
  return (await run('docker', ['image', 'inspect', image], env)).status === 0;
}

async function timed(log, title, work) {
  const started = Date.now();
  log(`sandbox image: ${title} ...`);
  const result = await work();
  log(`sandbox image: ${title} ${result.status === 0 ? 'done' : 'failed'} (${seconds(started)} s)`);
  return result;
}

function seconds(started) {
  return ((Date.now() - started) / 1000).toFixed(1);
}

async function installWithApt(packages, env) {
  const apt = (...args) => run('apt-get', args, { ...env, DEBIAN_FRONTEND: 'noninteractive' });
  const install = () => apt('install', '-y', '--no-install-recommends', ...packages);
  const first = await install();
  if (first.status === 0 || (await apt('update')).status !== 0) return first;
  return install();
}

/** Undefined when the base image is there; else why it is not. */
async function ensureBase({ log, env, installPackages }) {
  if (await imageExists(BASE_IMAGE, env)) return undefined;
  const pull = `The base image ${BASE_IMAGE} is not on this machine. Fetch it with: docker pull ${BASE_IMAGE}`;
  if (process.getuid?.() !== 0) return pull;
  if ((await run('debootstrap', ['--version'], env)).status !== 0) {
    const installed = await timed(log, 'installing debootstrap', () => installPackages(['debootstrap'], env));
    if (installed.status !== 0)
      return `${pull}\n(debootstrap, the other way, cannot be installed: ${installed.tail})`;
  }
  const made = await timed(log, 'making the Debian base', () =>
    run('sh', ['python/make-base.sh', BASE_IMAGE], env),
  );
  return made.status === 0 ? undefined : `${pull}\n(making it with debootstrap failed: ${made.tail})`;
}

/** The step a line of either builder announces, e.g. `3/9 RUN groupadd ...`. */
function stepOf(line) {
  const step = /^Step (\d+\/\d+) : (.*)/.exec(line) ?? /^#\d+ \[\s*(\d+\/\d+)\] (.*)/.exec(line);
  return step === null ? undefined : `${step[1]} ${step[2].slice(0, 60)}`;
}

function build(image, { log, env }) {
  const started = Date.now();
  // The host's network: an engine may have no bridge, or one that reaches nothing.
  const args = [
    'build',
    '--force-rm',
    '--pull=false',
    '--network=host',
    '--file',
    'python/Dockerfile',
    '--tag',
    image,
  ];
  args.push('--build-arg', `BASE_IMAGE=${BASE_IMAGE}`, '--label', `gantry.image=${image}`, '.');
  return run('docker', args, env, (line) => {
    const step = stepOf(line);
    if (step !== undefined) log(`sandbox image: step ${step} (${seconds(started)} s)`);
  });
}

/**
 * Builds the image if it is not there. Resolves to `{ state: 'ready', image }` or
 * `{ state: 'unavailable', image, reason }`; never rejects for what the machine lacks. Safe to
 * interrupt: the next run goes on from the last finished step.
 *
 * @param {object} options
 * @param {(line: string) => void} options.log
 * @param {NodeJS.ProcessEnv} options.env
 * @param {(packages: string[], env: NodeJS.ProcessEnv) => Promise<{ status: number, tail: string }>} [options.installPackages]
 */
export async function ensureSandboxImage({ log, env, installPackages = installWithApt }) {
  const image = sandboxImage();
  const unavailable = (reason) => ({ state: 'unavailable', image, reason: `${reason}\n${WITHOUT_IT}` });
  const engine = await run('docker', ['version', '--format', '{{.Server.Version}}'], env);
  if (engine.status === 127) return unavailable('There is no docker command on this machine.');
  if (engine.status !== 0) return unavailable(`No Docker engine answers: ${engine.tail}`);
  if (await imageExists(image, env)) return { state: 'ready', image };
  const noBase = await ensureBase({ log, env, installPackages });
  if (noBase !== undefined) return unavailable(noBase);
  const built = await timed(log, 'building', () => build(image, { log, env }));
  return built.status === 0
    ? { state: 'ready', image }
    : unavailable(`The image could not be built: ${built.tail}`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  // oxlint-disable-next-line no-process-env -- run as a script, this is the program's own entry
  const result = await ensureSandboxImage({ log: (line) => console.log(line), env: process.env });
  console.log(result.state === 'ready' ? `sandbox image: ${result.image} is ready` : result.reason);
  process.exitCode = result.state === 'ready' ? 0 : 1;
}
