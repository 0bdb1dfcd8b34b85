import type { TestProject } from 'vitest/node';
import { startEmbeddedCluster } from './embedded-cluster.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    sharedClusterUrl: string;
    sharedClusterMajor: number;
  }
}

/** Starts the cluster in which the test files have their own databases; says which server it is. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const cluster = await startEmbeddedCluster({ settings: { max_connections: 200 } });
  project.provide('sharedClusterUrl', cluster.url());
  project.provide('sharedClusterMajor', cluster.major);
  process.stderr.write(`shared cluster: PostgreSQL ${cluster.major}, ${cluster.provider}\n`);
  return async () => {
    await cluster.stop();
  };
}
