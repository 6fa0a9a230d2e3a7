import type { ResidentSettings } from './resident-settings.js';

/** All that can be left to the machine is, for one conversation. */
export const autoSettings: ResidentSettings = {
  contextSize: 'auto',
  cacheType: 'f16',
  sequences: 1,
  gpuLayers: 'auto',
  threads: 'auto',
  flashAttention: 'auto',
  batchSize: 'auto',
  loadMode: 'auto',
};
