// Makes the sandbox image ready. Plain Node (18 or newer) without dependencies: set-up runs it
// before anything is installed. Never pulls: an image comes from here or from a person's command.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const FOLDER = fileURLToPath(new URL('.', import.meta.url));
const BASE_IMAGE = 'debian:bookworm-slim';
const WITHOUT_IT = 'The python and terminal tools are off until then; everything else works.';

/** The kernel's files, relative to this folder. */
function kernelFiles() {
  return readdirSync(join(FOLDER, 'kernel/gantry_kernel'))
    .filter((name) => name.endsWith('.py'))
    .map((name) => `kernel/gantry_kernel/${name}`);
}

/** Of the files' contents; another content is another version, so an old image is never taken for the new one. */
function versionOf(paths) {
  const hash = createHash('sha256');
  for (const path of paths.toSorted((one, other) => (one < other ? -1 : 1))) {
    const content = readFileSync(join(FOLDER, path));
    hash.update(`${path}\0${content.length}\0`).update(content);
  }
  return hash.digest('hex').slice(0, 12);
}

/** The name of the image with the scientific packages. */
export function sandboxImage() {
  return `gantry-sandbox:${versionOf(['python/Dockerfile', ...kernelFiles()])}`;
}

/** The name of the one with nothing but Python. */
export function slimSandboxImage() {
  return `gantry-sandbox-slim:${versionOf(['custom/Dockerfile', ...kernelFiles()])}`;
}

/** What an image made from another is labelled with, so that the server knows the kernel in it. */
export function kernelVersion() {
  return versionOf(kernelFiles());
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

/** What differs between the images. */
function recipes() {
  return {
    python: { image: sandboxImage(), dockerfile: 'python/Dockerfile', base: BASE_IMAGE, packages: undefined },
    slim: {
      image: slimSandboxImage(),
      dockerfile: 'custom/Dockerfile',
      base: BASE_IMAGE,
      packages: 'python3',
    },
  };
}

function build({ image, dockerfile, base, packages }, { log, env }) {
  const started = Date.now();
  const args = ['build', '--force-rm', '--pull=false'];
  // The host's network: an engine may have no bridge, or one that reaches nothing.
  args.push('--network=host', '--file', dockerfile, '--tag', image, '--build-arg', `BASE_IMAGE=${base}`);
  if (packages !== undefined) args.push('--build-arg', `PACKAGES=${packages}`);
  args.push('--label', `gantry.image=${image}`);
  if (dockerfile === 'custom/Dockerfile') args.push('--label', `gantry.kernel=${kernelVersion()}`);
  return run('docker', [...args, '.'], env, (line) => {
    const step = stepOf(line);
    if (step !== undefined) log(`sandbox image: step ${step} (${seconds(started)} s)`);
  });
}

/** Undefined when an engine answers; else why not. */
async function engineProblem(env) {
  const engine = await run('docker', ['version', '--format', '{{.Server.Version}}'], env);
  if (engine.status === 127) return 'There is no docker command on this machine.';
  return engine.status === 0 ? undefined : `No Docker engine answers: ${engine.tail}`;
}

/**
 * Builds the image if it is not there. Resolves to `{ state: 'ready', image }` or
 * `{ state: 'unavailable', image, reason }`; never rejects for what the machine lacks. Safe to
 * interrupt: the next run goes on from the last finished step.
 *
 * @param {object} options
 * @param {(line: string) => void} options.log
 * @param {NodeJS.ProcessEnv} options.env
 * @param {'python' | 'slim'} [options.kind]
 * @param {(packages: string[], env: NodeJS.ProcessEnv) => Promise<{ status: number, tail: string }>} [options.installPackages]
 */
export async function ensureSandboxImage({ log, env, kind = 'python', installPackages = installWithApt }) {
  const recipe = recipes()[kind];
  const { image } = recipe;
  const unavailable = (reason) => ({ state: 'unavailable', image, reason: `${reason}\n${WITHOUT_IT}` });
  const noEngine = await engineProblem(env);
  if (noEngine !== undefined) return unavailable(noEngine);
  if (await imageExists(image, env)) return { state: 'ready', image };
  const noBase = await ensureBase({ log, env, installPackages });
  if (noBase !== undefined) return unavailable(noBase);
  const built = await timed(log, 'building', () => build(recipe, { log, env }));
  return built.status === 0
    ? { state: 'ready', image }
    : unavailable(`The image could not be built: ${built.tail}`);
}

/** A name for the image made from `base`: its last part, and the kernel's version. */
function customName(base) {
  const last = base.split('/').at(-1) ?? base;
  const plain = last
    .replace(/@.*$/, '')
    .replace(/[^a-z0-9]+/gi, '-')
    .toLowerCase();
  return `gantry-custom-${plain}:${kernelVersion()}`;
}

/**
 * Makes a sandbox image from one of the engine's own. Resolves as `ensureSandboxImage` does; the reason
 * says what the other image lacks.
 *
 * @param {object} options
 * @param {string} options.base A name or a digest; never pulled.
 * @param {string} [options.tag]
 * @param {(line: string) => void} options.log
 * @param {NodeJS.ProcessEnv} options.env
 */
export async function makeCustomImage({ base, tag, log, env }) {
  const image = tag ?? customName(base);
  const unavailable = (reason) => ({ state: 'unavailable', image, reason });
  const noEngine = await engineProblem(env);
  if (noEngine !== undefined) return unavailable(noEngine);
  const found = await run('docker', ['image', 'inspect', '--format', '{{json .Config.Volumes}}', base], env);
  if (found.status !== 0) {
    return unavailable(
      `The engine has no image ${base}. Fetch or build it first, for example with: docker pull ${base}`,
    );
  }
  const volumes = Object.keys(JSON.parse(found.tail) ?? {});
  if (volumes.length > 0) {
    return unavailable(
      `The image ${base} declares volumes (${volumes.join(', ')}), which a sandbox could fill without limit: use one without.`,
    );
  }
  const recipe = { image, dockerfile: 'custom/Dockerfile', base, packages: undefined };
  const built = await timed(log, `building ${image}`, () => build(recipe, { log, env }));
  if (built.status === 0) return { state: 'ready', image };
  const said = /^(?:#\d+ [\d.]+ )?GANTRY: (.*)$/m.exec(built.tail)?.[1];
  return unavailable(
    said === undefined
      ? `No sandbox image could be made from ${base}: ${built.tail}`
      : `No sandbox image could be made from ${base}: ${said}.`,
  );
}

const USAGE = `node sandboxes/build-image.mjs            the image of the python and terminal tools
node sandboxes/build-image.mjs --slim     the same with nothing but Python (the image python-slim)
node sandboxes/build-image.mjs --from IMAGE [--tag NAME]
                                          a sandbox image from one of your own`;

function readOptions() {
  try {
    return parseArgs({
      options: {
        slim: { type: 'boolean', default: false },
        from: { type: 'string' },
        tag: { type: 'string' },
        help: { type: 'boolean', default: false },
      },
    }).values;
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
    return process.exit(2);
  }
}

async function main() {
  const { slim, from, tag, help } = readOptions();
  if (help) {
    console.log(USAGE);
    return;
  }
  const log = (line) => console.log(line);
  // oxlint-disable-next-line no-process-env -- run as a script, this is the program's own entry
  const env = process.env;
  const result =
    from === undefined
      ? await ensureSandboxImage({ log, env, kind: slim ? 'slim' : 'python' })
      : await makeCustomImage({ base: from, tag, log, env });
  console.log(result.state === 'ready' ? `sandbox image: ${result.image} is ready` : result.reason);
  process.exitCode = result.state === 'ready' ? 0 : 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
