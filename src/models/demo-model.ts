import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { PROJECT_ROOT } from '../config/project-root.js';
import { ModelError } from './model-error.js';

const DEMO_FILE = join('models', 'demo', 'demo-agent.gguf');

/** Where the bundled model lies. Throws ModelError not_found. */
export function demoModelPath(): string {
  const path = join(PROJECT_ROOT, DEMO_FILE);
  if (existsSync(path)) return path;
  throw new ModelError('not_found', `The demo model (${DEMO_FILE}) is not part of this installation.`);
}
