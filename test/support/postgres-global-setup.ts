import type { TestProject } from 'vitest/node';
import { startTestCluster, type TestCluster } from './test-cluster.js';

declare module 'vitest' {
  interface ProvidedContext {
    superuserUrl: string;
  }
}

declare global {
  /** One cluster for all projects of a run; global, since each project loads its own copy of this module. */
  var gantryTestCluster: { users: number; cluster: Promise<TestCluster> | undefined } | undefined;
}

const shared = (globalThis.gantryTestCluster ??= { users: 0, cluster: undefined });

export async function setup(project: TestProject): Promise<void> {
  shared.users += 1;
  shared.cluster ??= startTestCluster();
  project.provide('superuserUrl', (await shared.cluster).superuserUrl);
}

export async function teardown(): Promise<void> {
  shared.users -= 1;
  if (shared.users > 0) return;
  const cluster = await shared.cluster;
  shared.cluster = undefined;
  await cluster?.stop();
}
