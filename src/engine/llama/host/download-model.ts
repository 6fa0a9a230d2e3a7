import { messageOf } from '../../../errors.js';
import { findPulled } from '../../../models/find-pulled.js';
import { ModelError } from '../../../models/model-error.js';
import { type HubName, parseModelName } from '../../../models/model-name.js';
import { pullModel } from '../../../models/pull-model.js';
import type { ModelLocation } from '../protocol.js';
import { LoadRefused } from './check-model-file.js';
import type { ReportProgress } from './load-progress.js';

type HubLocation = Extract<ModelLocation, { kind: 'hub' }>;

/**
 * Fetches what is missing of a model and resolves to its path; one that was fetched whole before needs no hub. Rejects
 * with LoadRefused.
 */
export async function downloadModel(location: HubLocation, report: ReportProgress): Promise<string> {
  const { uri, modelsDirectory } = location;
  report('download', 0);
  try {
    const name = parseModelName(uri);
    if (name.kind !== 'hub') throw new Error(`${uri} is not the name of a model on a hub.`);
    return (await findPulled(name, modelsDirectory)) ?? (await pull(name, location, report));
  } catch (error) {
    const hint = error instanceof ModelError ? error.hint : undefined;
    throw new LoadRefused(`${uri} could not be downloaded: ${messageOf(error)}`, hint ?? 'See the message.');
  }
}

async function pull(
  name: HubName,
  { modelsDirectory, hub: { endpoint, token } }: HubLocation,
  report: ReportProgress,
): Promise<string> {
  const { path } = await pullModel(name, {
    modelsDirectory,
    hub: { endpoint, ...(token === undefined ? {} : { token }) },
    onEvent: (event) => {
      if (event.type !== 'progress') return;
      const { doneBytes: done, totalBytes: total } = event;
      report('download', total > 0 ? done / total : 0, { done, total });
    },
  });
  return path;
}
