import { DbadminError } from '../../base/errors.ts';
import { formatLsn, parseLsn } from '../../postgres/lsn.ts';
import { parseControlFile, type ControlFile } from '../../postgres/control-file.ts';
import { BlobIndex } from '../../repository/blob-index.ts';
import { BlobReader } from '../../repository/blob-reader.ts';
import { readManifest, type ManifestEntry } from '../../repository/manifest.ts';
import type { Repository } from '../../repository/repository.ts';
import { inspectLineage, readLineage, type LineageContents } from '../lineage-inspect.ts';
import { planLayout, type LayoutPlan } from './plan.ts';
import type { Lineage } from './recover-along.ts';
import { resolveTarget, type Resolution } from './resolve.ts';
import type { RestoreTarget } from './target.ts';
import { checkTargetDirectories } from './lay-down-apply.ts';

export interface RestoreRequest {
  readonly repository: Repository;
  readonly clusterName: string;
  readonly systemIdentifier: string | undefined;
  readonly target: RestoreTarget;
  readonly exclusive: boolean;
  /** Label of the backup to start from, or undefined for the newest that serves. */
  readonly backup: string | undefined;
  readonly timeline: number | undefined;
  readonly dataDirectory: string;
  /** Location in the original cluster → directory here. */
  readonly tablespaces: ReadonlyMap<string, string>;
}

/** Everything that is known before a byte is written. */
export interface Preflight {
  readonly contents: LineageContents;
  readonly lineage: Lineage;
  readonly resolution: Resolution;
  readonly layout: LayoutPlan;
  readonly blobs: BlobReader;
  readonly control: ControlFile;
  /** Content of small files that a restore has to look into; absent ones are undefined. */
  readonly autoConf: string;
  readonly mainConf: string | undefined;
  readonly hasHba: boolean;
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
  const lineage = await readLineage(contents, request.timeline);
  const backups = chooseBackups(contents, request.backup);
  const resolution = await resolveTarget({
    target: request.target,
    exclusive: request.exclusive,
    backups,
    lineage,
    coverage: contents.coverage,
    archive: contents.archive,
    horizon: contents.coverage.timelines.get(lineage.timeline)?.horizon,
  });
  const { systemIdentifier } = contents.cluster;
  const entries: ManifestEntry[] = [];
  for await (const entry of readManifest(repository, systemIdentifier, resolution.backup.label)) entries.push(entry);
  const layout = planLayout(resolution.backup, entries, request.dataDirectory, request.tablespaces);
  const walBytes = Number(resolution.neededUntil - parseLsn(resolution.backup.startLsn)) + 2 * contents.archive.segmentBytes;
  await checkTargetDirectories(layout, walBytes);
  const blobs = new BlobReader(repository, systemIdentifier, await BlobIndex.load(repository, systemIdentifier));
  const read = async (path: string): Promise<Buffer | undefined> => await readFileOf(entries, path, blobs);
  const controlBytes = await read('global/pg_control');
  if (controlBytes === undefined) throw new DbadminError('restore-failed', `backup ${resolution.backup.label} has no pg_control`);
  return {
    contents,
    lineage,
    resolution,
    layout,
    blobs,
    control: parseControlFile(controlBytes),
    autoConf: (await read('postgresql.auto.conf'))?.toString('utf8') ?? '',
    mainConf: (await read('postgresql.conf'))?.toString('utf8'),
    hasHba: entries.some(({ path }) => path === 'pg_hba.conf'),
    walBytes,
  };
}

function chooseBackups(contents: LineageContents, label: string | undefined): LineageContents['backups'] {
  if (label === undefined) return contents.backups;
  const chosen = contents.backups.filter((backup) => backup.label === label);
  if (chosen.length === 0) {
    throw new DbadminError('backup-missing', `there is no backup ${label}`, { hint: 'See dbadmin backup list for the labels.' });
  }
  return chosen;
}

async function readFileOf(entries: readonly ManifestEntry[], path: string, blobs: BlobReader): Promise<Buffer | undefined> {
  const file = entries.find((entry) => entry.path === path);
  if (file?.type !== 'file') return undefined;
  const bytes = Buffer.alloc(file.sizeBytes);
  let at = 0;
  for await (const plain of blobs.readAll(file.extents.map((extent) => extent[2]))) {
    const [offset, length, , from = 0] = file.extents[at] ?? [0, 0, ''];
    plain.copy(bytes, offset, from, from + length);
    at += 1;
  }
  return bytes;
}

/** The WAL a restore replays, for people: `0/5A000028 → 0/5B21F0A8`. */
export function describeWal({ resolution }: Preflight): string {
  return `${resolution.backup.startLsn} → ${formatLsn(resolution.neededUntil)}`;
}
