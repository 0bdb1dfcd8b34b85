import type { ClusterOptions, TestCluster } from './cluster.ts';
import { startEmbeddedCluster } from './embedded-cluster.ts';
import { providerOf, type Providers } from './provider.ts';

/** A cluster from the provider that this run has for its major. */
export async function startCluster(options: ClusterOptions, providers: Providers): Promise<TestCluster> {
  const major = options.major ?? 17;
  if (providerOf(major, providers, options.provider) === 'embedded') return await startEmbeddedCluster(options);
  const image = providers.images[major];
  if (image === undefined) throw new Error(`there is no container image of PostgreSQL ${major} on this machine`);
  // Loaded here: Docker's client takes half a second, and embedded servers do without.
  const { startContainerCluster } = await import('./container-cluster.ts');
  return await startContainerCluster(image, major, options, providers.templates);
}
