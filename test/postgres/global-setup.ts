import type { TestProject } from 'vitest/node';
import { buildIfStale } from '../built-command.ts';
import type { TestCluster } from './cluster.ts';
import { sweepLeftovers } from './leftovers.ts';
import { containerRuntime, findProviders, type Providers } from './provider.ts';
import { startCluster } from './start-cluster.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    providers: Providers;
    sharedClusterUrl: string;
    sharedClusterMajor: number;
  }
}

interface Servers {
  readonly providers: Providers;
  readonly cluster: TestCluster;
}

/** What all projects of a run share. Vitest loads this module anew for each of them, so the module itself cannot hold it. */
interface Run {
  servers: Promise<Servers>;
  projects: number;
}

const RUN = Symbol.for('dbadmin.test.run');

/** Finds the servers of this run and starts the cluster in which the test files have their own databases; says which they are. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const holder = globalThis as { [RUN]?: Run };
  const run = (holder[RUN] ??= { servers: startServers(), projects: 0 });
  run.projects += 1;
  const { providers, cluster } = await run.servers;
  project.provide('providers', providers);
  project.provide('sharedClusterUrl', cluster.url());
  project.provide('sharedClusterMajor', cluster.major);
  return async () => {
    run.projects -= 1;
    if (run.projects > 0) return;
    delete holder[RUN];
    await cluster.stop();
    process.stderr.write(`${providers.summary}\n`);
  };
}

async function startServers(): Promise<Servers> {
  buildIfStale();
  const client = process.env['DBADMIN_TEST_PROVIDER'] === 'embedded' ? undefined : await containerRuntime();
  await sweepLeftovers(client);
  const providers = await findProviders();
  process.stderr.write(`${providers.summary}\n`);
  const cluster = await startCluster({ settings: { max_connections: 200 } }, providers);
  return { providers, cluster };
}
