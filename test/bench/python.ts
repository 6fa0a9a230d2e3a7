import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { PROJECT_ROOT } from '../../src/config/project-root.js';
import { DOCKER_SANDBOX_DEFAULTS } from '../../src/sandbox/docker/docker-sandbox-options.js';
import { DockerSandboxProvider } from '../../src/sandbox/docker/docker-sandbox-provider.js';
import { sandboxImage } from '../../src/sandbox/docker/sandbox-image.js';
import { figureOf, type Figures, interleave, printHeading, printRatio, printRow } from './measure.js';
import { type Rig, withRig } from './rig.js';

const ROUNDS = 200;
const WARM_UP = 20;
const CODE = '1+1';

const BARE_PROGRAM = `
import json, sys
for line in sys.stdin:
    print(json.dumps({"value": repr(eval(json.loads(line)["code"]))}), flush=True)
`;

/** A warm call of `1+1`: as a client sees it, at the sandbox port, and over the pipe of a plain interpreter. */
export async function benchPython(): Promise<void> {
  await withRig({}, async (rig) => {
    const image = await sandboxImage(join(PROJECT_ROOT, 'sandboxes'));
    const provider = new DockerSandboxProvider(
      { ...DOCKER_SANDBOX_DEFAULTS, instanceId: `bench-${process.pid}`, image },
      () => undefined,
    );
    const bare = spawn('python3', ['-u', '-c', BARE_PROGRAM], { stdio: ['pipe', 'pipe', 'inherit'] });
    try {
      const call = await watchedSession(rig);
      const { pipe, port, client } = await interleave(
        { warmUp: WARM_UP, rounds: ROUNDS },
        { pipe: pipeCall(bare), port: () => portCall(provider), client: call },
      );
      report(pipe, port, client);
    } finally {
      bare.kill();
      await provider.close();
    }
  });
}

function report(pipe: readonly Figures[], port: readonly Figures[], client: readonly Figures[]): void {
  printHeading(`python: a warm call of ${CODE}, ${ROUNDS} rounds`);
  printRow('(a) client, tool.invoke to complete', figureOf(client, 'ms'), 'ms');
  printRow('    client, tool.invoke to done', figureOf(client, 'doneMs'), 'ms');
  printRow('(b) sandbox port, acquire and exec', figureOf(port, 'ms'), 'ms');
  printRow('(c) bare pipe to python3', figureOf(pipe, 'ms'), 'ms');
  printRatio('a / c', figureOf(client, 'ms'), figureOf(pipe, 'ms'));
  printRatio('b / c', figureOf(port, 'ms'), figureOf(pipe, 'ms'));
}

function pipeCall(bare: ChildProcessByStdio<Writable, Readable, null>): () => Promise<Figures> {
  const lines = createInterface({ input: bare.stdout });
  return async () => {
    const started = performance.now();
    const answered = once(lines, 'line');
    bare.stdin.write(`${JSON.stringify({ code: CODE })}\n`);
    const [line] = (await answered) as [string];
    requireTwo((JSON.parse(line) as { value?: string }).value);
    return { ms: performance.now() - started };
  };
}

async function portCall(provider: DockerSandboxProvider): Promise<Figures> {
  const started = performance.now();
  const sandbox = await provider.acquire({ sessionId: 'sess_bench', runId: 'run_bench', generation: 1 });
  const { value } = await sandbox.exec(
    CODE,
    { timeoutMs: 30_000 },
    () => undefined,
    new AbortController().signal,
  );
  requireTwo(value);
  return { ms: performance.now() - started };
}

async function watchedSession({ client }: Rig): Promise<() => Promise<Figures>> {
  const session = await client.createSession();
  const events = client.session(session.id).events();
  return async () => {
    const started = performance.now();
    const invoked = client.invokeTool({
      session_id: session.id,
      name: 'python',
      arguments: { code: CODE },
      agent_permission: 'auto',
    });
    let completeAt = 0;
    for (;;) {
      const { value: item } = await events.next();
      if (item?.type === 'agentic_tool_call_progress' && item.phase === 'complete') {
        completeAt = performance.now();
        requireTwo(item.data.tool_type === 'code_execution' ? item.data.value : undefined);
      }
      if (item === undefined || item.type === 'done' || item.type === 'model_error') break;
    }
    const doneAt = performance.now();
    await invoked;
    return { ms: completeAt - started, doneMs: doneAt - started };
  };
}

function requireTwo(value: string | undefined): void {
  if (value !== '2') throw new Error(`${CODE} gave ${value ?? 'nothing'}.`);
}
