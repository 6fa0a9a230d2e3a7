import { mkdir } from 'node:fs/promises';
import { createModelDownloader } from 'node-llama-cpp';
import { messageOf } from '../../../errors.js';
import type { ModelLocation } from '../protocol.js';
import { LoadRefused } from './check-model-file.js';
import type { ReportProgress } from './load-progress.js';

type HubLocation = Extract<ModelLocation, { kind: 'hub' }>;

/** Fetches what is missing of a model and resolves to its path. Rejects with LoadRefused. */
export async function downloadModel(location: HubLocation, report: ReportProgress): Promise<string> {
  report('download', 0);
  await mkdir(location.modelsDirectory, { recursive: true });
  try {
    const downloader = await createModelDownloader({
      modelUri: location.uri,
      dirPath: location.modelsDirectory,
      showCliProgress: false,
      // A broken download goes on where it stopped.
      deleteTempFileOnCancel: false,
      onProgress: ({ downloadedSize, totalSize }) =>
        report('download', totalSize > 0 ? downloadedSize / totalSize : 0, {
          done: downloadedSize,
          total: totalSize,
        }),
    });
    return await downloader.download();
  } catch (error) {
    throw new LoadRefused(
      `${location.uri} could not be downloaded: ${messageOf(error)}`,
      'Check the name and that the hub can be reached from this machine; or fetch the file elsewhere, ' +
        'put it here and set MODEL to its path. MODEL=demo needs no network.',
    );
  }
}
