import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { GantryClient } from '../../src/client/gantry-client.js';
import { openNodeSocket } from '../../src/client/node-socket.js';
import { isTerminalEvent } from '../../src/events/event.js';
import type { WireEvent } from '../../src/gateway/frames.js';
import { describeWithDocker } from '../support/docker.js';
import { untilNoContainers } from '../support/sandbox-containers.js';
import { type ServerProcess, startServer, TEST_API_KEY } from '../support/server-process.js';
import { until } from '../support/until.js';
import { ofType } from './run-events.js';

const PNG = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

/** What the project is for, with its own database and nothing set up but a data directory. */
describeWithDocker('the main job, end to end', () => {
  let home: string;
  let server: ServerProcess;
  let client: GantryClient;
  const seen: WireEvent[] = [];
  const reading = new AbortController();

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'gantry-e2e-scenario-'));
    // PostgreSQL's own account passes through here when the tests run as root.
    await chmod(home, 0o711);
    server = await startServer({ home });
    client = new GantryClient({ url: server.url, apiKey: TEST_API_KEY, openSocket: openNodeSocket });
  });
  afterAll(async () => {
    reading.abort();
    client.close();
    await server.stop();
    await untilNoContainers(home);
    await rm(home, { recursive: true, force: true });
  });

  const seenOf = (runId: string) => seen.filter((event) => event.run_id === runId);
  const sees = (what: string, runId: string, matches: (event: WireEvent) => boolean) =>
    until(what, 60_000, () => seenOf(runId).find(matches));

  test('a plot is approved, made and fetched; kill -9 in the next answer loses nothing', async () => {
    const { id } = await client.createSession();
    const follow = (async () => {
      for await (const item of client.session(id).events({ signal: reading.signal })) {
        if (item.type !== 'live' && item.type !== 'snapshot') seen.push(item);
      }
    })();

    const plot = await client.createRun({
      session_id: id,
      input: 'Plot sin(x) from 0 to 10 and save it as sine.png',
      temperature: 0,
      agent_permission: 'ask',
    });
    const asked = await sees(
      'an approval is asked',
      plot.run.id,
      ({ type }) => type === 'agentic_tool_approval_required',
    );
    if (asked.type !== 'agentic_tool_approval_required') throw new Error('unreachable');
    await client.decide(asked.approval_id, { decision: 'approve' });
    await sees('the plot is done', plot.run.id, isTerminalEvent);
    const order = seenOf(plot.run.id).map((event) =>
      event.type === 'agentic_tool_call_progress' ? event.phase : event.type,
    );
    const steps = [
      'calling',
      'agentic_tool_approval_required',
      'agentic_tool_approval_resolved',
      'agentic_tool_output',
      'file',
      'complete',
      'done',
    ];
    expect(order.filter((step) => steps.includes(step))).toEqual(steps);
    const [file] = ofType(seenOf(plot.run.id), 'file');
    const response = await fetch(`${server.url}/v1/files/${file?.file.id}/content`, {
      headers: { authorization: `Bearer ${TEST_API_KEY}` },
    });
    const png = Buffer.from(await response.arrayBuffer());
    expect(png.subarray(0, 8)).toEqual(PNG);
    expect(png).toHaveLength(file?.file.bytes ?? 0);

    const answer = await client.createRun({ session_id: id, input: 'What can you do?', temperature: 0 });
    await sees('the next answer begins', answer.run.id, ({ type }) => type === 'chunk');
    await server.kill();
    server = await startServer({ home, port: server.port });
    const last = await sees('the next answer is done', answer.run.id, isTerminalEvent);
    expect(last).toMatchObject({ type: 'done', response: { stop_reason: 'stop' } });
    expect(JSON.stringify(last)).toContain('run Python');

    expect(seen.map(({ seq, first_seq }) => first_seq ?? seq)).toEqual([
      1,
      ...seen.slice(0, -1).map(({ seq }) => seq + 1),
    ]);
    const history = await client.sessions.export(id);
    expect(JSON.stringify(history)).toContain('sine.png');
    reading.abort();
    await follow;
  });
});
