import { messageOf } from '../../base/errors.ts';
import type { ReplicationConnection } from '../../postgres/replication.ts';
import { showSize, type Source } from '../source-inspect.ts';
import type { OrdinarySession } from './ordinary-session.ts';
import {
  readLinkedConfiguration,
  readOuterConfiguration,
  type LinkedConfiguration,
  type OuterConfiguration,
} from './outer-configuration-inspect.ts';

const OUTSIDE = 'configuration files outside of the data directory, and links to such';
const NOTHING = { files: [], inside: [], directories: [] };

/** What of a cluster decides how it is backed up. */
export interface ClusterFacts {
  readonly serverMajor: number;
  readonly timeline: number;
  readonly summarizesWal: boolean;
  readonly logsHints: boolean;
  /** Blocks of one file of a relation. */
  readonly relationSegmentBlocks: number;
}

export async function inspectCluster(connection: ReplicationConnection, { blockBytes }: Source): Promise<ClusterFacts> {
  const { serverMajor } = connection;
  return {
    serverMajor,
    timeline: (await connection.identifySystem()).timeline,
    summarizesWal: serverMajor >= 17 && (await connection.show('summarize_wal')) === 'on',
    logsHints: (await connection.show('wal_log_hints')) === 'on',
    relationSegmentBlocks: (await showSize(connection, 'segment_size')) / blockBytes,
  };
}

/** Whether hints change pages without being logged. */
export function leavesHintsUnlogged({ checksums }: Source, { logsHints }: ClusterFacts): boolean {
  return !checksums && !logsHints;
}

/** What a base backup does not hold; a backup without it is a backup all the same. */
export async function inspectConfiguration(session: OrdinarySession | undefined): Promise<OuterConfiguration> {
  if (session === undefined) return { ...NOTHING, missing: [`${OUTSIDE}: there is no ordinary connection`] };
  try {
    return await readOuterConfiguration(await session.open());
  } catch (error) {
    return { ...NOTHING, missing: [`${OUTSIDE}: ${messageOf(error)}`] };
  }
}

/** The files of {@link OuterConfiguration.inside} that a base backup did not bring. */
export async function inspectLinkedConfiguration(
  session: OrdinarySession | undefined,
  paths: readonly string[],
): Promise<LinkedConfiguration> {
  if (session === undefined || paths.length === 0) return { files: [], missing: [] };
  try {
    return await readLinkedConfiguration(await session.open(), paths);
  } catch (error) {
    return {
      files: [],
      missing: paths.map((path) => `${path.toWellFormed()} was not saved: ${messageOf(error)}; the base backup leaves links out`),
    };
  }
}
