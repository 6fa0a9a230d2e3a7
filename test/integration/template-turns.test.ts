import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getLlama, type Llama, LlamaLogLevel } from 'node-llama-cpp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { familyTable } from '../fixtures/templates/family-table.js';
import { FamilyHost } from '../fixtures/templates/family-host.js';
import { readFamilies, readTemplates } from '../fixtures/templates/families.js';
import { readScenes, type Scene } from '../fixtures/templates/scenes.js';

const families = await readFamilies();
const offered = (await readScenes()).find(({ title }) => title === 'tools offered') as Scene;
const PAGE = join(import.meta.dirname, '../../docs/model-families.md');
let folder: string;
let llama: Llama;
let templateOf: Awaited<ReturnType<typeof readTemplates>>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gantry-turns-'));
  const logLevel = LlamaLogLevel.fatal;
  llama = await getLlama({ gpu: false, build: 'never', skipDownload: true, progressLogs: false, logLevel });
  templateOf = await readTemplates();
});
afterAll(async () => {
  await llama.dispose();
  await rm(folder, { recursive: true, force: true });
});

const WEATHER = { name: 'get_weather', arguments: { city: 'Paris' } };
const SUM = { name: 'add', arguments: { numbers: [1, 2.5, -3] } };
const CALLS: Readonly<Record<string, readonly unknown[]>> = {
  call: [WEATHER],
  calls: [WEATHER, SUM],
  'text and call': [WEATHER],
};

describe.each(families)('what a model of $title writes', (family) => {
  let host: FamilyHost;
  beforeAll(async () => {
    host = await FamilyHost.load(llama, folder, family, await templateOf(family));
  });
  afterAll(() => host.close());

  test.each(Object.entries(family.turns))('%s', async (what, text) => {
    const calls = CALLS[what] ?? [];
    const isAfterText = what === 'text and call';
    const callsBy = (isAfterText ? family.callsAfterTextBy : undefined) ?? family.callsBy;
    expect(await host.write(text, offered.request(family))).toEqual({
      reasoning: text.includes('I must look.') ? 'I must look.' : '',
      text: isAfterText ? 'Let me look.' : calls.length === 0 ? 'It is sunny.' : '',
      calls,
      callsBy: calls.length === 0 ? undefined : callsBy,
      reason: calls.length === 0 ? 'stop' : 'tool_calls',
    });
  });

  test('JSON where it is held to it, also where the prompt opens a thought', async () => {
    const held = { ...offered.request(family), tools: [], responseFormat: { type: 'json' } } as const;
    expect(await host.write('{"a": 1}', held)).toEqual({
      reasoning: '',
      text: '{"a": 1}',
      calls: [],
      callsBy: undefined,
      reason: 'stop',
    });
  });

  test('the one call that it is held to, after no thought that is open', async () => {
    const forced = { ...offered.request(family), forcedTools: ['get_weather'] };
    expect(await host.write('{"city": "Paris"}', forced)).toMatchObject({ text: '', calls: [WEATHER] });
    expect(host.promptOf(forced)).not.toMatch(/<think>(?!.*<\/think>)/s);
  });
});

test('the page of the families has their table', async () => {
  const table = await familyTable(families);
  console.log(table);
  expect(await readFile(PAGE, 'utf8')).toContain(table);
});
