import type { LlamaModelOptions } from 'node-llama-cpp';
import type { LoadMode } from '../../load-mode.js';

export function loadOptions(mode: LoadMode): Pick<LlamaModelOptions, 'useMmap' | 'useMlock' | 'useDirectIo'> {
  switch (mode) {
    case 'auto':
      return {};
    case 'none':
      return { useMmap: false };
    case 'mmap':
      return { useMmap: true };
    case 'mlock':
      return { useMmap: false, useMlock: true };
    case 'mmap+mlock':
      return { useMmap: true, useMlock: true };
    case 'dio':
      return { useDirectIo: true };
    default:
      return mode satisfies never;
  }
}
