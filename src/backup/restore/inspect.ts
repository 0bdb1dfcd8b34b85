import { DbadminError } from '../../base/errors.ts';
import { formatLsn, parseLsn } from '../../postgres/lsn.ts';
import type { ControlFile } from '../../postgres/control-file.ts';
import type { BlobIndex } from '../../repository/blob-index.ts';
import type { BlobReader } from '../../repository/blob-reader.ts';
import type { BackupSummary } from '../../repository/manifest.ts';
import { backupKey } from '../../repository/layout.ts';
import { isOfOneObject, type DamagedObject } from '../../repository/passed-over.ts';
import type { Repository } from '../../repository/repository.ts';
import { lastDump } from '../dump/last-inspect.ts';
import { readMoments } from '../recovery-inspect.ts';
import { configurationText } from '../configuration-text.ts';
import { inspectLineage, readLineage, readOtherLineages, type LineageContents } from '../lineage-inspect.ts';
import { brokenBackups, NONE_BROKEN, type BrokenBackups } from '../broken.ts';
import type { Suspicion } from '../suspicion.ts';
import { readStanding } from '../verify/record.ts';
import { openBackupContents, type BackupContents } from './backup-contents-inspect.ts';
import { candidatesOf } from './candidates.ts';
import { resolveFromWhole } from './choose-backup.ts';
import { consistentLsn } from './consistent-lsn.ts';
import { refuseMadeTablespaces } from './made-tablespaces.ts';
import { planLayout, type LayoutPlan } from './plan.ts';
import type { Lineage } from './recover-along.ts';
import { readIncluded } from './included-configuration-inspect.ts';
import { inspectReplayedTablespaces, replayedDirectories, type ReplayedTablespace } from './replayed-tablespaces-inspect.ts';
import { resolveTarget, type Resolution } from './resolve.ts';
import type { RestoreTarget } from './target.ts';
import { lastSetting, linkedPathOf, outerPathOf, type OuterFile } from './configuration-files.ts';
import { lackingConfiguration } from './lacking-configuration.ts';
import { inspectStaleConfiguration, type StaleConfiguration } from './stale-configuration-inspect.ts';
import { inspectTarget, type TargetState } from './target-directories-inspect.ts';
import { refuseUnstored } from './unstored-wal.ts';

const MAIN = 'postgresql.conf';
const AUTHENTICATION = ['pg_hba.conf', 'pg_ident.conf'];

export interface RestoreRequest {
  readonly repository: Repository;
  readonly clusterName: string;
  readonly systemIdentifier: string | undefined;
  readonly target: RestoreTarget;
  readonly exclusive: boolean;
  /** Label of the backup to start from, or undefined for the newest that serves, and that no audit casts doubt on and, with `passesOverDamaged`, no verification found broken. */
  readonly backup: string | undefined;
  /** Whether a suspect backup will do where no other serves. */
  readonly acceptsSuspect?: boolean;
  readonly timeline: number | undefined;
  readonly dataDirectory: string;
  /** Location in the original cluster → directory here. */
  readonly tablespaces: ReadonlyMap<string, string>;
  /** Whether to go over a stopped copy of the same cluster, or what an interrupted restore left. */
  readonly delta?: boolean;
  /** Whether to go on without WAL that only the cluster gone over has, though everything was asked for. */
  readonly withoutUnstoredWal?: boolean;
  /** What the restored cluster is for: a clone must not reach what is the original's. */
  readonly purpose?: 'clone' | 'production';
  /** Whether another backup may stand in for one whose manifest is damaged, or that a verification found broken: a drill is to find that out. */
  readonly passesOverDamaged?: boolean;
}

/** Everything that is known before a byte is written. */
export interface Preflight {
  readonly repository: Repository;
  readonly contents: LineageContents;
  readonly lineage: Lineage;
  readonly resolution: Resolution;
  /** Why the backup is not to be relied on, where an audit says so. */
  readonly suspicion: Suspicion | undefined;
  /** Newer backups that lead to the target, too, and that it is not restored from: verifications found that they do not restore whole. */
  readonly brokenAside: readonly BrokenAside[];
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
  /** Configuration files that the original has as links in its data directory: text by path in it. */
  readonly linked: ReadonlyMap<string, string>;
  /** Those that are plain files there and are included: text by path in it. */
  readonly included: ReadonlyMap<string, string>;
  /** Text of pg_hba.conf and pg_ident.conf where they are files in the data directory. */
  readonly authentication: ReadonlyMap<string, string>;
  /** What a production restored from it lacks of its configuration: sentences without the last stop. */
  readonly lackingConfiguration: readonly string[];
  /** Those beside the directory of a production gone over that the backup has not. */
  readonly staleConfiguration: StaleConfiguration | undefined;
  readonly walBytes: number;
}

export interface BrokenAside {
  readonly label: string;
  /** Of the verification that found it. */
  readonly verification: string;
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
  const mayStandIn = request.passesOverDamaged === true && request.backup === undefined && request.target.kind !== 'immediate';
  const broken = mayStandIn
    ? brokenBackups(contents.backups, await readStanding(repository, contents.cluster.systemIdentifier))
    : NONE_BROKEN;
  const { resolution, opened } = await resolveReadable(request, contents, lineage, { mayStandIn, broken });
  if (request.purpose !== 'production') refuseMadeTablespaces(resolution);
  const { entries, index, blobs, control, read } = opened;
  const layout = planLayout(resolution.backup, entries, request.dataDirectory, request.tablespaces);
  const walBytes = Number(resolution.neededUntil - parseLsn(resolution.backup.startLsn)) + 2 * contents.archive.segmentBytes;
  const state = await inspectTarget({
    layout,
    contents,
    along: lineage,
    made: replayedDirectories(resolution, control),
    extraBytes: walBytes,
    delta: request.delta === true,
    // Of all that restore, the command that says what for is the one with --tablespace-map.
    mapsTablespaces: request.purpose !== undefined,
  });
  if (request.target.kind === 'latest' && request.withoutUnstoredWal !== true) refuseUnstored(state, lineage.timeline);
  const replayed = await inspectReplayedTablespaces({ resolution, layout, control, isOver: state.kind === 'over' });
  const readText = async (path: string): Promise<string | undefined> => {
    const bytes = await read(path);
    return bytes === undefined ? undefined : configurationText(bytes);
  };
  const outer: OuterFile[] = [];
  const linked = new Map<string, string>();
  for (const { path } of entries) {
    const [outside, inside] = [outerPathOf(path), linkedPathOf(path)];
    if (outside === undefined && inside === undefined) continue;
    const content = (await readText(path)) ?? '';
    if (outside !== undefined) outer.push({ path: outside, content });
    if (inside !== undefined) linked.set(inside, content);
  }
  const mainConf = (await readText(MAIN)) ?? linked.get(MAIN);
  const authentication = new Map<string, string>();
  for (const name of AUTHENTICATION) {
    const text = await readText(name);
    if (text !== undefined) authentication.set(name, text);
  }
  const inside = new Map([...(mainConf === undefined ? [] : [[MAIN, mainConf] as const]), ...authentication, ...linked]);
  const included = await readIncluded(new Map([...linked, [MAIN, mainConf ?? '']]), entries, readText);
  const autoConf = (await readText('postgresql.auto.conf')) ?? '';
  const identFile = originalSetting({ autoConf, mainConf, outer, linked }, 'ident_file');
  const isProductionOver = state.kind === 'over' && request.purpose === 'production';
  return {
    repository,
    contents,
    lineage,
    resolution,
    suspicion: contents.suspicions.byLabel.get(resolution.backup.label),
    brokenAside: brokenAside(contents, lineage, resolution, broken),
    layout,
    index,
    blobs,
    state,
    replayed,
    control,
    autoConf,
    mainConf,
    hasHba: authentication.has('pg_hba.conf') || linked.has('pg_hba.conf'),
    outer,
    linked,
    included,
    authentication,
    lackingConfiguration: lackingConfiguration({ backup: resolution.backup, layout, inside, outer, identFile }),
    staleConfiguration: isProductionOver ? await inspectStaleConfiguration(layout, outer) : undefined,
    walBytes,
  };
}

/**
 * What the target comes to, from a backup whose manifest can be read to its end. One that cannot be is passed over as if it
 * were not there, where that is allowed and it was not asked for: an older one leads to the same state, with more WAL. Only
 * the end of a backup is another with another backup.
 */
async function resolveReadable(
  request: RestoreRequest,
  contents: LineageContents,
  lineage: Lineage,
  { mayStandIn, broken }: { readonly mayStandIn: boolean; readonly broken: BrokenBackups },
): Promise<{ readonly resolution: Resolution; readonly opened: BackupContents }> {
  const { repository, target, exclusive, backup, acceptsSuspect = false } = request;
  const { systemIdentifier } = contents.cluster;
  const damaged = new Map<string, DamagedObject>();
  const opening = new Map<string, Promise<BackupContents>>();
  const open = async ({ label }: BackupSummary): Promise<BackupContents> => {
    const found = opening.get(label) ?? openBackupContents(repository, systemIdentifier, label);
    opening.set(label, found);
    try {
      return await found;
    } catch (error) {
      const key = backupKey(systemIdentifier, label);
      if (isOfOneObject(error) && error.message.startsWith(key)) damaged.set(label, { key, error });
      throw error;
    }
  };
  const resolve = async (backups: readonly BackupSummary[]): Promise<Resolution> =>
    await resolveTarget({
      target,
      exclusive,
      backups: backups.filter(({ label }) => !damaged.has(label)),
      lineage,
      isChosen: request.timeline !== undefined,
      others: async () => await readOtherLineages(contents, lineage),
      coverage: contents.coverage,
      archive: contents.archive,
      consistentLsn: async (each) => consistentLsn(each, (await open(each)).control),
      horizon: contents.coverage.timelines.get(lineage.timeline)?.horizon,
      unprovenHorizon: contents.coverage.timelines.get(lineage.timeline)?.unprovenHorizon,
      moments: async () => (await readMoments(contents)).filter(({ timeline }) => timeline === lineage.timeline),
    });
  for (;;) {
    const known = damaged.size;
    try {
      const resolution = await resolveFromWhole(contents, { target, backup, acceptsSuspect, broken }, resolve);
      return { resolution, opened: await open(resolution.backup) };
    } catch (error) {
      const [first] = damaged.values();
      const last = [...damaged.values()].at(-1);
      // Where no other serves, what is wrong is the damage.
      if (!mayStandIn || damaged.size === known || last === undefined) throw first?.error ?? error;
      repository.onDamaged?.(last);
    }
  }
}

/** Backups that lead to the target as the one that was chosen does, and begin behind it. */
export function brokenAside(
  { backups, coverage }: Pick<LineageContents, 'backups' | 'coverage'>,
  lineage: Lineage,
  { backup: chosen, neededUntil }: Pick<Resolution, 'backup' | 'neededUntil'>,
  broken: BrokenBackups,
): readonly BrokenAside[] {
  const aside = backups.filter(({ label, startLsn }) => broken.has(label) && parseLsn(startLsn) > parseLsn(chosen.startLsn));
  return candidatesOf(aside, lineage, coverage).flatMap(({ backup: { label }, stopLsn, reach }) => {
    const verification = broken.get(label);
    return verification !== undefined && stopLsn <= neededUntil && neededUntil <= reach ? [{ label, verification }] : [];
  });
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

/** What the original's configuration files say of a setting; postgresql.auto.conf has the last word. */
export function originalSetting(
  { autoConf, mainConf, outer, linked }: Pick<Preflight, 'autoConf' | 'mainConf' | 'outer' | 'linked'>,
  name: string,
): string | undefined {
  const included = [...outer.map(({ content }) => content), ...Array.from(linked).flatMap(([path, text]) => (path === MAIN ? [] : [text]))];
  const files = [autoConf, ...included.reverse(), mainConf ?? ''];
  return files.map((text) => lastSetting(text, name)).find((value) => value !== undefined);
}

/** The WAL a restore replays, for people: `0/5A000028 → 0/5B21F0A8`. */
export function describeWal({ resolution }: Preflight): string {
  return `${resolution.backup.startLsn} → ${formatLsn(resolution.neededUntil)}`;
}
