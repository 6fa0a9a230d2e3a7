import { deepseek } from './formats/deepseek.js';
import { functionTags } from './formats/function-tags.js';
import { functionary } from './formats/functionary.js';
import { gemma } from './formats/gemma.js';
import { harmony } from './formats/harmony.js';
import { kimi } from './formats/kimi.js';
import { bareJson, pythonTag } from './formats/llama.js';
import { mistral } from './formats/mistral.js';
import { tagged } from './formats/tagged.js';
import type { CallFormat } from './written-call.js';

export const CALL_FORMATS: readonly CallFormat[] = [
  tagged,
  functionTags,
  pythonTag,
  bareJson,
  mistral,
  gemma,
  deepseek,
  kimi,
  harmony,
  functionary,
];
