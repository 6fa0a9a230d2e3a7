import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getLlama, type Llama, type LlamaModel, LlamaLogLevel } from 'node-llama-cpp';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { PromptTemplate } from '../../src/engine/llama/host/prompt-template.js';
import {
  type Family,
  readFamilies,
  readTemplates,
  writeFamilyModel,
} from '../fixtures/templates/families.js';
import { readReference, type Reference } from '../fixtures/templates/reference.js';
import { readScenes, type Scene } from '../fixtures/templates/scenes.js';

const families = await readFamilies();
const scenes = await readScenes();
let folder: string;
let llama: Llama;
let templateOf: (family: Family) => Promise<string>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gantry-families-'));
  const logLevel = LlamaLogLevel.fatal;
  llama = await getLlama({ gpu: false, build: 'never', skipDownload: true, progressLogs: false, logLevel });
  templateOf = await readTemplates();
  // The day on which the reference was rendered.
  vi.useFakeTimers({ now: new Date(2026, 10, 21, 12), toFake: ['Date'] });
});
afterAll(async () => {
  vi.useRealTimers();
  await llama.dispose();
  await rm(folder, { recursive: true, force: true });
});

describe.each(families)('$title', (family) => {
  let reference: Reference;
  let model: LlamaModel;
  let template: PromptTemplate;

  beforeAll(async () => {
    reference = await readReference(family, await templateOf(family));
    model = await llama.loadModel({
      modelPath: await writeFamilyModel(folder, family, await templateOf(family)),
    });
    template = new PromptTemplate(model);
  });
  afterAll(() => model.dispose());

  test.each(scenes)('the prompt is the reference: $title', (scene) => {
    const prompt = template.render(scene.request(family)).toString();
    if (family.differences?.[scene.title] === undefined) expect(prompt).toBe(reference(scene));
    else expect(prompt).not.toBe(reference(scene));
  });

  test('markup in texts is never more than text', () => {
    const scene = scenes.find(({ title }) => title === 'markup in all texts') as Scene;
    const special = [...family.controls, ...family.marks];
    const prompt = (markup: readonly string[]) =>
      template.render(scene.request({ controls: markup, marks: [] }));
    const forged = prompt(special).tokenize(model.tokenizer);
    const plain = prompt(['no markup']).tokenize(model.tokenizer);
    expect(model.detokenize(forged, true)).toBe(prompt(special).toString());
    // The vocabulary begins with them.
    const isMarkup = (token: number) => token < special.length;
    expect(forged.filter(isMarkup)).toEqual(plain.filter(isMarkup));
  });
});
