import type { ConnectionParameters } from '../postgres/parameters.ts';
import type { ClusterConfig, Config } from './config.ts';

/**
 * The configuration for whoever only looks: each cluster by the connection that it names under `reading`, in sessions that
 * cannot write. A console that somebody broke into reads what that role may read.
 */
export function readingConfig(config: Config): Config {
  const clusters = new Map([...config.clusters].map(([name, cluster]) => [name, readingCluster(cluster)] as const));
  const usual = config.clusters.get(config.defaultCluster);
  const isOwn = config.control.connection !== usual?.connection;
  const control = isOwn ? config.control.connection : (usual.reading ?? usual.connection);
  return { ...config, clusters, control: { ...config.control, connection: readOnly(control) } };
}

function readingCluster(cluster: ClusterConfig): ClusterConfig {
  return { ...cluster, connection: readOnly(cluster.reading ?? cluster.connection) };
}

/** The same connection, in sessions that cannot write. */
export function readOnly(connection: ConnectionParameters): ConnectionParameters {
  return { ...connection, isReadOnly: true };
}
