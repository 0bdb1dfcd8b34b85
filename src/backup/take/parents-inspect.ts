import { isDbadminError, reasonOf, type DbadminError, type ErrorCode } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { sharesNames } from '../../repository/keys.ts';
import type { BackupSummary } from '../../repository/manifest.ts';
import type { Source } from '../source-inspect.ts';
import { mayHaveUnsummedPages } from '../unsummed-pages.ts';
import { readingSource } from '../../repository/unreadable.ts';
import { readReliableParent, type Destination, type ParentContent } from './destination.ts';
import { chooseMode, type TakeMode } from './mode.ts';
import { afterDamage, READ_AGAIN } from './next-attempt.ts';
import { chooseParent } from './parent-inspect.ts';

export interface ParentsOptions {
  readonly wanted: 'full' | 'incremental';
  readonly source: Source;
  readonly timeline: number;
  readonly serverMajor: number;
  readonly summarizesWal: boolean;
  readonly log: Log;
  /** Gets a repository that fails while a parent is read there, and is left out from then on. */
  readonly onFailed: (name: string, error: DbadminError) => void;
}

export interface ChosenMode {
  readonly mode: TakeMode;
  /** Those that did not fail. */
  readonly destinations: readonly Destination[];
  /** The content of the mode's parent in each of them; empty without. */
  readonly parents: readonly ParentContent[];
}

/**
 * How a backup is taken, with what it builds on. A backup whose manifest is damaged in one of the repositories, or whose content
 * is not the same in all, is passed over for an older one: damage costs time then, and not the backup.
 */
export async function inspectParents(all: readonly Destination[], options: ParentsOptions): Promise<ChosenMode> {
  const { wanted, source, timeline, serverMajor, summarizesWal, log } = options;
  const passedOver = new Set<string>();
  let destinations = all;
  for (;;) {
    const parent = chooseParent(destinations, source, timeline, passedOver);
    const hasChecksums = source.checksums && !('reason' in parent);
    const lacksChecksums = hasChecksums ? mayHaveUnsummedPages(parent, allBackups(destinations)) : false;
    const mode = chooseMode({ wanted, parent, serverMajor, summarizesWal, lacksChecksums });
    if (mode.kind === 'everything') return { mode, destinations, parents: [] };
    const { label } = mode.parent;
    const read = await readParents(destinations, mode.parent);
    switch (read.kind) {
      case 'read':
        if (!isHurt(destinations, read.parents, mode.parent, log)) return { mode, destinations, parents: read.parents };
        log.info(`Backup ${label} is not whole: ${READ_AGAIN}.`);
        return { mode: afterDamage(mode), destinations, parents: read.parents };
      case 'failed':
        options.onFailed(read.name, read.error);
        destinations = destinations.filter(({ name }) => name !== read.name);
        break;
      case 'incomplete':
        for (const destination of destinations) if (read.names.includes(destination.name)) log.warn(describeIncomplete(label, destination));
        return {
          mode: { kind: 'everything', reason: `not every repository has all of backup ${label} in an index to rely on` },
          destinations,
          parents: [],
        };
      case 'unusable':
        log.warn(`${read.problem}: nothing is built upon it, and dbadmin backup verify says more`);
        passedOver.add(label);
    }
  }
}

/** A parent of the parent may be in one of the repositories alone. */
function allBackups(destinations: readonly Destination[]): readonly BackupSummary[] {
  return destinations.flatMap(({ backups }) => backups);
}

function describeIncomplete(label: string, { name, index }: Destination): string {
  if (index.untrusted.size === 0) return `backup ${label} is not whole in ${name}: dbadmin backup verify says what is missing`;
  return `backup ${label} is not built upon in ${name}: content of it is in no index but those that are not encrypted, or in none`;
}

type ReadParents =
  | { readonly kind: 'read'; readonly parents: readonly ParentContent[] }
  /** The repository of this name failed. */
  | { readonly kind: 'failed'; readonly name: string; readonly error: DbadminError }
  /** Some content is missing in the repositories of these names. */
  | { readonly kind: 'incomplete'; readonly names: readonly string[] }
  | { readonly kind: 'unusable'; readonly problem: string };

async function readParents(destinations: readonly Destination[], parent: BackupSummary): Promise<ReadParents> {
  const parents: ParentContent[] = [];
  const incomplete: string[] = [];
  for (const destination of destinations) {
    const { name } = destination;
    try {
      const content = await readReliableParent({ ...destination, repository: readingSource(destination.repository) }, parent);
      if (content === undefined) incomplete.push(name);
      else parents.push(content);
    } catch (error) {
      if (!isDbadminError(error) || error.code === 'interrupted') throw error;
      if (!OF_ONE_OBJECT.includes(error.code)) return { kind: 'failed', name, error };
      return { kind: 'unusable', problem: `the manifest of ${parent.label} in ${name} cannot be read: ${reasonOf(error)}` };
    }
  }
  if (incomplete.length > 0) return { kind: 'incomplete', names: incomplete };
  const other = destinations.find((_, at) => !haveSameContent(destinations, parents, at));
  if (other === undefined) return { kind: 'read', parents };
  return { kind: 'unusable', problem: `backup ${parent.label} is not the same in ${destinations[0]?.name} and in ${other.name}` };
}

/** Whether a repository has not got all packs that the parent lies in, or a verification found that it does not restore whole from there. */
function isHurt(destinations: readonly Destination[], parents: readonly ParentContent[], parent: BackupSummary, log: Log): boolean {
  const hurt = destinations.filter(({ name, broken, damaged }, at) => {
    const verification = broken.get(parent.label);
    if (verification !== undefined) log.warn(`backup ${parent.label} does not restore whole from ${name}, as ${verification} found`);
    return damaged.tellMissing(parents[at]?.content.blobs.hashes() ?? []) || verification !== undefined;
  });
  return hurt.length > 0;
}

/** What is wrong with a manifest alone: damage can make it one of a newer version, or one that is encrypted. */
const OF_ONE_OBJECT: readonly ErrorCode[] = ['repository-damaged', 'repository-format', 'key-wrong', 'storage-missing'];

/**
 * Whether the parent is the same in the first repository and in another. What changed is learnt once, from the first, and is laid
 * over what each of them has: over anything else it would be a backup of no moment at all, and nobody would notice.
 */
function haveSameContent(destinations: readonly Destination[], parents: readonly ParentContent[], at: number): boolean {
  const [first, other] = [parents[0]?.content, parents[at]?.content];
  const [ours, theirs] = [destinations[0]?.repository, destinations[at]?.repository];
  if (first === undefined || other === undefined || ours === undefined || theirs === undefined) return false;
  if (first === other) return true;
  return first.hasLayoutOf(other) && (!sharesNames(ours, theirs) || first.blobs.equals(other.blobs));
}
