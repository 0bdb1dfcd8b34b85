import { randomBytes } from 'node:crypto';
import type { BackupSummary } from '../../repository/manifest.ts';
import type { Source } from '../source-inspect.ts';
import type { ClusterFacts } from './cluster-inspect.ts';
import type { UnknownCuts } from './complete.ts';
import type { ParentContent } from './destination.ts';
import type { TakeMode } from './mode.ts';
import type { OuterConfiguration } from './outer-configuration-inspect.ts';
import type { ShortenedRelations } from './shortened-relations-inspect.ts';

/** One reading of the cluster for a backup: what is known before it begins. */
export interface Attempt {
  readonly source: Source;
  readonly facts: ClusterFacts;
  readonly configuration: OuterConfiguration;
  readonly mode: TakeMode;
  readonly parents: readonly ParentContent[];
  readonly shortened: ShortenedRelations | undefined;
  readonly label: string;
  readonly startedAt: Date;
  /** Whether there is another where it would rest on damage. */
  readonly mayTryAgain: boolean;
}

/** What an earlier backup could not find out about is made up for by the first that can. */
export function cutsWantedSince({ cutsUnknownSince: since, startLsn }: BackupSummary): string {
  return since ?? startLsn;
}

export function cutsUnknownSince({ mode, shortened }: Attempt): UnknownCuts | undefined {
  if (mode.kind !== 'blocks' || shortened?.unknown === undefined) return undefined;
  return { sinceLsn: cutsWantedSince(mode.parent), reason: shortened.unknown };
}

/**
 * Page hashes are taken where the next backup will need them: where the server cannot tell what changed. They have the parent's key only where
 * they are compared with its own: otherwise their blobs could have the names of damaged ones that nobody read.
 */
export function pageHashKeyFor({ mode, facts }: Attempt): Buffer | undefined {
  if (facts.summarizesWal && mode.kind !== 'hashes') return undefined;
  const known = mode.kind === 'hashes' ? mode.parent.pageHashKey : undefined;
  return typeof known === 'string' ? Buffer.from(known, 'hex') : randomBytes(32);
}
