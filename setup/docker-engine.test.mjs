import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ensureDockerEngine } from './docker-engine.mjs';

let folder;
let programs;
let machine;

/** A stand-in for a program: it writes down its arguments, then runs the given shell lines. */
function stub(name, lines = '') {
  const path = join(programs, name);
  writeFileSync(path, `#!/bin/sh\necho "${name} $*" >> "${folder}/calls"\n${lines}\n`);
  chmodSync(path, 0o755);
}

function calls() {
  const path = join(folder, 'calls');
  return existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n') : [];
}

/** A dockerd that does what set-up waits for: it answers /_ping on its socket, until its standard input ends. */
const answeringDockerd = () => `exec "${process.execPath}" -e '
  const server = require("node:http").createServer((_, response) => response.end("OK"));
  server.listen("${folder}/docker.sock");
  require("node:fs").writeFileSync("${folder}/dockerd.pid", String(process.pid));'`;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gantry-engine-'));
  programs = join(folder, 'bin');
  mkdirSync(programs);
  machine = {
    env: { PATH: `${programs}:/usr/bin:/bin`, CI: '1' },
    home: join(folder, 'home'),
    isRoot: true,
    hasSystemd: false,
    programFolders: [programs],
    socket: join(folder, 'docker.sock'),
    pidFile: join(folder, 'docker.pid'),
  };
});

afterEach(() => {
  const pidFile = join(folder, 'dockerd.pid');
  if (existsSync(pidFile)) process.kill(Number(readFileSync(pidFile, 'utf8')), 'SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

describe('ensureDockerEngine', () => {
  it('uses an engine that answers', async () => {
    const server = createServer((_, response) => response.end('OK')).listen(machine.socket);
    await once(server, 'listening');
    expect(await ensureDockerEngine(machine)).toEqual({ kind: 'ready' });
    server.close();
    server.closeAllConnections();
    expect(calls()).toEqual([]);
  });

  it('starts an installed one and keeps its log, past the pid file of a machine that was killed', async () => {
    stub('dockerd', answeringDockerd());
    writeFileSync(machine.pidFile, String(process.pid));
    expect(await ensureDockerEngine(machine)).toEqual({ kind: 'ready' });
    expect(calls()).toEqual(['dockerd']);
    expect(existsSync(join(machine.home, 'dockerd.log'))).toBe(true);
    expect(existsSync(machine.pidFile)).toBe(false);
  });

  it('installs one without asking where nobody can be asked, with the client where that is apart', async () => {
    const dockerd = answeringDockerd();
    stub('apt-cache');
    stub(
      'apt-get',
      `[ "$1" = install ] || exit 0\ncat > "${programs}/dockerd" <<'END'\n#!/bin/sh\n${dockerd}\nEND\nchmod +x "${programs}/dockerd"`,
    );
    expect(await ensureDockerEngine(machine)).toEqual({ kind: 'ready' });
    expect(calls()).toEqual([
      'apt-get update',
      'apt-cache show docker-cli',
      'apt-get install -y --no-install-recommends docker.io docker-cli',
    ]);
  });

  it('says why and goes on when the installation fails', async () => {
    stub('apt-get', 'echo "Temporary failure resolving" >&2; exit 100');
    const state = await ensureDockerEngine(machine);
    expect(state.kind).toBe('off');
    expect(state.reason).toMatch(/Temporary failure resolving/);
    expect(state.remedy).toBe('see to that, then run the same command again');
  });

  it('shows the end of the log of an engine that does not start', async () => {
    stub('dockerd', 'echo "failed to mount cgroup" >&2; exit 1');
    const state = await ensureDockerEngine(machine);
    expect(state.reason).toMatch(/ended with code 1[^]*failed to mount cgroup/);
  });

  it('leaves an engine behind TLS to the server, certificates alone included', async () => {
    const env = { DOCKER_HOST: 'tcp://127.0.0.1:1', DOCKER_CERT_PATH: '/certificates' };
    expect(await ensureDockerEngine({ ...machine, env })).toEqual({ kind: 'ready' });
  });

  it.each([
    [{ GANTRY_SANDBOX: 'none' }, /GANTRY_SANDBOX is none/],
    [{ DOCKER_HOST: 'tcp://127.0.0.1:1' }, /DOCKER_HOST \(ECONNREFUSED\)/],
  ])('installs and starts nothing with %o', async (env, reason) => {
    stub('dockerd');
    stub('apt-get');
    const state = await ensureDockerEngine({ ...machine, env: { ...machine.env, ...env } });
    expect(state.reason).toMatch(reason);
    expect(calls()).toEqual([]);
  });

  it('tells an ordinary account what root would have to do', async () => {
    stub('apt-get');
    const state = await ensureDockerEngine({ ...machine, isRoot: false });
    expect(state).toEqual({
      kind: 'off',
      reason: 'no Docker engine is installed',
      remedy: 'as root: apt-get install docker.io',
    });
    expect(calls()).toEqual([]);
  });
});
