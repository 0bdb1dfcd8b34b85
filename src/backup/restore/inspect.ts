import { DbadminError } from '../../base/errors.ts';
import { formatLsn, parseLsn } from '../../postgres/lsn.ts';
import { parseControlFile, type ControlFile } from '../../postgres/control-file.ts';
import { BlobIndex } from '../../repository/blob-index.ts';
import { BlobReader } from '../../repository/blob-reader.ts';
import { ManifestEntries } from '../../repository/manifest-entries.ts';
import type { Repository } from '../../repository/repository.ts';
import { lastDump } from '../dump/last-inspect.ts';
import { readMoments } from '../recovery-inspect.ts';
import { inspectLineage, readLineage, readOtherLineages, type LineageContents } from '../lineage-inspect.ts';
import type { Suspicion } from '../suspicion.ts';
import { resolveFromTrusted } from './choose-backup.ts';
import { refuseMadeTablespaces } from './made-tablespaces.ts';
import { planLayout, type LayoutPlan } from './plan.ts';
import type { Lineage } from './recover-along.ts';
import { inspectReplayedTablespaces, type ReplayedTablespace } from './replayed-tablespaces-inspect.ts';
import { refuseUnfindable } from './unfindable.ts';
import { resolveTarget, type Resolution } from './resolve.ts';
import type { RestoreTarget } from './target.ts';
import { lastSetting, outerPathOf, type OuterFile } from './configuration-files.ts';
import { inspectTarget, type TargetState } from './target-directories-inspect.ts';

export interface RestoreRequest {
  readonly repository: Repository;
  readonly clusterName: string;
  readonly systemIdentifier: string | undefined;
  readonly target: RestoreTarget;
  readonly exclusive: boolean;
  /** Label of the backup to start from, or undefined for the newest that serves and that no audit casts doubt on. */
  readonly backup: string | undefined;
  /** Whether a suspect backup will do where no other serves. */
  readonly acceptsSuspect?: boolean;
  readonly timeline: number | undefined;
  readonly dataDirectory: string;
  /** Location in the original cluster → directory here. */
  readonly tablespaces: ReadonlyMap<string, string>;
  /** Whether to go over a stopped copy of the same cluster, or what an interrupted restore left. */
  readonly delta?: boolean;
  /** What the restored cluster is for: a clone must not reach what is the original's. */
  readonly purpose?: 'clone' | 'production';
}

/** Everything that is known before a byte is written. */
export interface Preflight {
  readonly repository: Repository;
  readonly contents: LineageContents;
  readonly lineage: Lineage;
  readonly resolution: Resolution;
  /** Why the backup is not to be relied on, where an audit says so. */
  readonly suspicion: Suspicion | undefined;
  readonly layout: LayoutPlan;
  readonly index: BlobIndex;
  readonly blobs: BlobReader;
  /** What lies where the restore is to go. */
  readonly state: TargetState;
  /** Tablespaces outside of the data directory that recovery makes: a production's alone. */
  readonly replayed: readonly ReplayedTablespace[];
  readonly control: ControlFile;
  /** Content of small files that a restore has to look into; absent ones are undefined. */
  readonly autoConf: string;
  readonly mainConf: string | undefined;
  readonly hasHba: boolean;
  /** Configuration files from outside of the original's data directory, when the backup could save them. */
  readonly outer: readonly OuterFile[];
  readonly walBytes: number;
}

/**
 * Looks at everything a restore needs and refuses what cannot succeed, before anything is written.
 *
 * @throws {DbadminError} `target-unreachable`, `backup-missing`, `wal-missing`, `repository-damaged`, `refused`, `storage-full`.
 */
export async function inspectRestore(request: RestoreRequest): Promise<Preflight> {
  const { repository } = request;
  const contents = await inspectLineage(repository, request.clusterName, request.systemIdentifier);
  if (contents.backups.length === 0) await refuseWhereOnlyDumps(repository, contents);
  const lineage = await readLineage(contents, request.timeline);
  const { target, exclusive, backup, acceptsSuspect = false } = request;
  const resolution = await resolveFromTrusted(
    contents,
    { target, backup, acceptsSuspect },
    async (backups) =>
      await resolveTarget({
        target,
        exclusive,
        backups,
        lineage,
        isChosen: request.timeline !== undefined,
        others: async () => await readOtherLineages(contents, lineage),
        coverage: contents.coverage,
        archive: contents.archive,
        horizon: contents.coverage.timelines.get(lineage.timeline)?.horizon,
        moments: async () => (await readMoments(contents)).filter(({ timeline }) => timeline === lineage.timeline),
      }),
  );
  if (request.purpose !== 'production') refuseMadeTablespaces(resolution);
  const { systemIdentifier } = contents.cluster;
  // Both are decompressed beside this thread, which would wait for one and then for the other.
  const [entries, index] = await Promise.all([
    ManifestEntries.read(repository, systemIdentifier, resolution.backup.label),
    BlobIndex.load(repository, systemIdentifier),
  ]);
  refuseUnfindable(entries, index);
  const layout = planLayout(resolution.backup, entries, request.dataDirectory, request.tablespaces);
  const walBytes = Number(resolution.neededUntil - parseLsn(resolution.backup.startLsn)) + 2 * contents.archive.segmentBytes;
  const state = await inspectTarget({ layout, systemIdentifier, extraBytes: walBytes, delta: request.delta === true });
  const blobs = new BlobReader(repository, systemIdentifier, index);
  const read = async (path: string): Promise<Buffer | undefined> => await readFileOf(entries, path, blobs);
  const controlBytes = await read('global/pg_control');
  if (controlBytes === undefined) throw new DbadminError('restore-failed', `backup ${resolution.backup.label} has no pg_control`);
  const control = parseControlFile(controlBytes);
  const replayed = await inspectReplayedTablespaces({ resolution, layout, control, isOver: state.kind === 'over' });
  const outer: OuterFile[] = [];
  for (const { path } of entries) {
    const outside = outerPathOf(path);
    const content = outside === undefined ? undefined : await read(path);
    if (outside !== undefined && content !== undefined) outer.push({ path: outside, content: content.toString('utf8') });
  }
  return {
    repository,
    contents,
    lineage,
    resolution,
    suspicion: contents.suspicions.byLabel.get(resolution.backup.label),
    layout,
    index,
    blobs,
    state,
    replayed,
    control,
    autoConf: (await read('postgresql.auto.conf'))?.toString('utf8') ?? '',
    mainConf: (await read('postgresql.conf'))?.toString('utf8'),
    hasHba: entries.file('pg_hba.conf') !== undefined,
    outer,
    walBytes,
  };
}

/** Said by name: nothing of a dump can be rolled forward. */
async function refuseWhereOnlyDumps(repository: Repository, { cluster }: LineageContents): Promise<void> {
  const dump = await lastDump(repository, cluster.systemIdentifier);
  if (dump === undefined) return;
  throw new DbadminError(
    'target-unreachable',
    `recovery of ${cluster.name} to a point in time (PITR) is not possible: the repository holds dumps only`,
    {
      detail: `The last dump began at ${dump.at}. A dump brings back the moment when it began, and no other.`,
      hint: `dbadmin restore --dump ${dump.label} brings it back; backups that can be rolled forward come with dbadmin backup run and wal receive.`,
    },
  );
}

async function readFileOf(entries: ManifestEntries, path: string, blobs: BlobReader): Promise<Buffer | undefined> {
  const file = entries.file(path);
  if (file === undefined) return undefined;
  const { extents } = file;
  const bytes = Buffer.alloc(file.sizeBytes);
  let at = 0;
  for await (const plain of blobs.readAll(Array.from(extents, (extent) => extent[2]))) {
    const [offset, length, , from = 0] = extents.at(at) ?? [0, 0, ''];
    plain.copy(bytes, offset, from, from + length);
    at += 1;
  }
  return bytes;
}

/** What the original's configuration files say of a setting; postgresql.auto.conf has the last word. */
export function originalSetting(
  { autoConf, mainConf, outer }: Pick<Preflight, 'autoConf' | 'mainConf' | 'outer'>,
  name: string,
): string | undefined {
  const files = [autoConf, ...outer.map(({ content }) => content).reverse(), mainConf ?? ''];
  return files.map((text) => lastSetting(text, name)).find((value) => value !== undefined);
}

/** The WAL a restore replays, for people: `0/5A000028 → 0/5B21F0A8`. */
export function describeWal({ resolution }: Preflight): string {
  return `${resolution.backup.startLsn} → ${formatLsn(resolution.neededUntil)}`;
}
