import { type Command, Option } from 'commander';
import { loadConfig } from '../../config/config.js';
import type { HubAccess } from '../../models/hub-request.js';
import { ModelError } from '../../models/model-error.js';
import { type ModelName, parseModelName } from '../../models/model-name.js';
import { modelsFolder } from '../../models/models-folder.js';
import { UsageError } from '../connect-options.js';

export interface HomeOptions {
  readonly home?: string;
  readonly json?: true;
}

export interface ModelsPlace {
  readonly modelsDirectory: string;
  readonly hub: HubAccess;
}

/** For commands that work on the data directory itself, with or without a server. */
export function addHomeOptions(command: Command): Command {
  return command
    .addOption(new Option('--home <directory>', 'the data directory (GANTRY_HOME; ~/.gantry)'))
    .addOption(new Option('--json', 'one JSON value a line'));
}

/** Reads the environment as the server does. Throws UsageError naming the variable that is wrong. */
export function placeOf({ home }: HomeOptions): ModelsPlace {
  try {
    const config = loadConfig({ ...process.env, ...(home === undefined ? {} : { GANTRY_HOME: home }) });
    return { modelsDirectory: modelsFolder(config.home), hub: config.hub };
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

/** Throws UsageError. */
export function nameOf(text: string): ModelName {
  try {
    return parseModelName(text);
  } catch (error) {
    if (error instanceof ModelError) throw new UsageError(error.message);
    throw error;
  }
}
