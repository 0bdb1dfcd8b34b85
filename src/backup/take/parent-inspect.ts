import { parseLsn } from '../../postgres/lsn.ts';
import { CompactExtents } from '../../repository/compact-extents.ts';
import { readManifest, type BackupSummary, type Extents } from '../../repository/manifest.ts';
import type { Repository } from '../../repository/repository.ts';
import { isSameBackup } from '../../repository/same-backup.ts';
import type { Source } from '../source-inspect.ts';
import { ContentMap } from './content-map.ts';
import type { Suspicions } from '../suspicion.ts';
import type { PutExtent } from './extents.ts';

/** Why there is no parent, for people. */
export interface NoParent {
  readonly reason: string;
}

/** A repository's backups, and what is known against them. */
export interface ParentChoice {
  readonly backups: readonly BackupSummary[];
  readonly suspicions: Suspicions;
}

const NONE_PASSED_OVER: ReadonlySet<string> = new Set();

/**
 * The newest backup that every one of the repositories has, undamaged, on the cluster's timeline. Two backups of one label are
 * one only when {@link isSameBackup} says so. One that an audit cast doubt on is none: what is wrong in it would be passed on.
 * The audited one itself is, with what came after it: it has what the cluster has, and whether that is right is another question.
 * `passedOver` are labels of those that turned out not to serve.
 *
 * Reads summaries only; {@link readParentContent} reads the rest.
 */
export function chooseParent(
  choices: readonly ParentChoice[],
  source: Source,
  timeline: number,
  passedOver = NONE_PASSED_OVER,
): BackupSummary | NoParent {
  const [first = [], ...others] = choices.map(({ backups }) => backups);
  if (first.length === 0) return { reason: 'it is the first backup' };
  const common = first.filter((backup) => others.every((list) => list.some((each) => isSameBackup(each, backup))));
  if (common.length === 0) return { reason: 'the repositories have no backup in common (dbadmin repository sync makes them equal)' };
  const isWrong = ({ label }: BackupSummary): boolean =>
    choices.some(({ suspicions }) => ['earlier', 'wrong'].includes(suspicions.byLabel.get(label)?.kind ?? ''));
  const sound = common.filter((each) => each.damage === null && !passedOver.has(each.label) && !isWrong(each));
  const same = sound.filter((each) => each.stopTimeline === timeline);
  const parent = same.reduce<BackupSummary | undefined>(
    (best, each) => (best === undefined || parseLsn(each.startLsn) > parseLsn(best.startLsn) ? each : best),
    undefined,
  );
  if (parent === undefined) {
    return {
      reason:
        sound.length === 0
          ? common.some(isWrong)
            ? 'an audit casts doubt on every earlier backup'
            : 'every earlier backup is damaged'
          : `no backup is of timeline ${timeline}`,
    };
  }
  if (major(parent.serverVersion) !== major(source.serverVersion) || parent.blockBytes !== source.blockBytes) {
    return { reason: `backup ${parent.label} is of another version of PostgreSQL` };
  }
  return parent;
}

/** The files of a backup, in little memory. */
export async function readParentContent(repository: Repository, parent: BackupSummary): Promise<ContentMap> {
  const content = new ContentMap();
  // Extents of one blob mostly follow each other: looking at the last few spares a table of all.
  let lastHash = '';
  let lastBlob = -1;
  const known = new Map<string, number>();
  const blobOf = (hash: string): number => {
    if (hash === lastHash) return lastBlob;
    let blob = known.get(hash);
    if (blob === undefined) {
      blob = content.blobs.add();
      content.blobs.set(blob, hash);
      known.set(hash, blob);
      if (known.size > RECENT_BLOBS) known.clear();
    }
    lastHash = hash;
    lastBlob = blob;
    return blob;
  };
  for await (const entry of readManifest(repository, parent.systemIdentifier, parent.label)) {
    if (entry.type !== 'file') continue;
    content.addFile(
      {
        path: entry.path,
        sizeBytes: entry.sizeBytes,
        mode: entry.mode,
        modifiedAt: entry.modifiedAt,
        pages: (entry.pages ?? []).map(blobOf),
      },
      (put) => putExtents(entry.extents, blobOf, put),
    );
  }
  return content;
}

function putExtents(extents: Extents, blobOf: (hash: string) => number, put: PutExtent): void {
  if (!(extents instanceof CompactExtents)) {
    // Each name is asked for once and in order, as below: so equal content gets equal numbers in every repository, whatever the form.
    const numbers = new Map<string, number>();
    for (const [offset, length, hash, from = 0] of extents) {
      const blob = numbers.get(hash) ?? blobOf(hash);
      if (extents.length > 1) numbers.set(hash, blob);
      put(offset, length, blob, from);
    }
    return;
  }
  const blobs = Uint32Array.from({ length: extents.blobCount }, (_, blob) => blobOf(extents.hash(blob)));
  extents.forEachNumbered((offset, length, blob, from) => put(offset, length, blobs[blob] ?? 0, from));
}

const RECENT_BLOBS = 4096;

function major(serverVersion: number): number {
  return Math.floor(serverVersion / 10_000);
}
