import swc from 'unplugin-swc';
import { defineConfig } from 'vitest/config';

/** swc, not esbuild: Nest and TypeORM need decorator metadata. */
const plugins = [swc.vite({ module: { type: 'es6' } })];
/** Unit tests need no database and do not pay for one. */
const globalSetup = ['test/support/postgres-global-setup.ts'];
const execArgv = ['--no-node-snapshot'];

export default defineConfig({
  plugins,
  test: {
    pool: 'forks',
    execArgv,
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 120_000,
    projects: [
      { extends: true, test: { name: 'unit', include: ['src/**/*.test.ts', 'setup/**/*.test.mjs'] } },
      {
        extends: true,
        test: { name: 'integration', include: ['test/integration/**/*.test.ts'], globalSetup },
      },
      { extends: true, test: { name: 'e2e', include: ['test/e2e/**/*.test.ts'], globalSetup } },
      { extends: true, test: { name: 'chaos', include: ['test/chaos/**/*.test.ts'], globalSetup } },
    ],
  },
});
