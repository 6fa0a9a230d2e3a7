import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The clone, wherever the command was typed. */
export const projectRoot = dirname(dirname(fileURLToPath(import.meta.url)));

/** What set-up keeps for itself; ignored by git, and safe to delete. */
export const toolchainFolder = join(projectRoot, '.toolchain');
