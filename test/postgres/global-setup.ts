import { randomBytes } from 'node:crypto';
import type Dockerode from 'dockerode';
import type { ContainerRuntimeClient } from 'testcontainers';
import type { TestProject } from 'vitest/node';
import { buildIfStale } from '../built-command.ts';
import type { TestCluster } from './cluster.ts';
import { beginDraw } from './drawn.ts';
import { ownerLabels, sweepLeftovers } from './leftovers.ts';
import { containerRuntime, findProviders, type Providers } from './provider.ts';
import { startCluster } from './start-cluster.ts';
import { makeTemplatePlace } from './template.ts';

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
  readonly removeTemplates: () => Promise<void>;
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
  const { providers, cluster, removeTemplates } = await run.servers;
  project.provide('providers', providers);
  project.provide('sharedClusterUrl', cluster.url());
  project.provide('sharedClusterMajor', cluster.major);
  return async () => {
    run.projects -= 1;
    if (run.projects > 0) return;
    delete holder[RUN];
    await cluster.stop();
    await removeTemplates();
    process.stderr.write(`${providers.summary}\n`);
  };
}

async function startServers(): Promise<Servers> {
  buildIfStale();
  const client = process.env['DBADMIN_TEST_PROVIDER'] === 'embedded' ? undefined : await containerRuntime();
  await sweepLeftovers(client);
  const servers = await findProviders();
  const found = { ...servers, summary: `${servers.summary}\n${beginDraw()}` };
  process.stderr.write(`${found.summary}\n`);
  const removePlace = await makeTemplatePlace();
  const volume = client === undefined ? undefined : await makeVolume(client);
  const providers = { ...found, ...(volume === undefined ? {} : { templates: volume.name }) };
  const cluster = await startCluster({ settings: { max_connections: 200 } }, providers);
  const removeTemplates = async (): Promise<void> => {
    await removePlace();
    // A container that a test has left keeps it; the next run removes both.
    await volume?.remove().catch(() => undefined);
  };
  return { providers, cluster, removeTemplates };
}

async function makeVolume({ container: { dockerode } }: ContainerRuntimeClient): Promise<Dockerode.Volume> {
  const name = `dbadmin-test-${randomBytes(8).toString('hex')}`;
  await dockerode.createVolume({ Name: name, Labels: { ...(await ownerLabels()) } });
  return dockerode.getVolume(name);
}
