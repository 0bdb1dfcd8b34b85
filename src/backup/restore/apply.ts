import { randomUUID } from 'node:crypto';
import os from 'node:os';
import path from 'node:path';
import { rm } from 'node:fs/promises';
import { DbadminError } from '../../base/errors.ts';
import { parseLsn } from '../../postgres/lsn.ts';
import type { ServerPrograms, SystemUser } from '../../postgres/server.ts';
import { configurationBytes } from '../configuration-text.ts';
import type { Setting } from './clone-settings.ts';
import { applyDelta, type DeltaOutcome } from './delta-apply.ts';
import { originalSetting, type Preflight } from './inspect.ts';
import { holdDirectory } from './hold-apply.ts';
import { layDown, makeDirectory, writeControlFile, writeText, type LayDownOptions } from './lay-down-apply.ts';
import { inspectLibraries, type LeftLibrary } from './libraries-inspect.ts';
import { placeMarker, refuseOtherMarker, removeMarker, syncDirectory } from './marker.ts';
import type { TargetAction } from './recovery-settings.ts';
import { planConfiguration, type Purpose, type RestoredConfiguration } from './restored-configuration.ts';
import { rewriteServerManifest } from './server-manifest.ts';
import { spoolWal } from './spool-apply.ts';
import { moveStaleConfiguration } from './stale-configuration-apply.ts';
import { SERVER_MANIFEST, writeSyntheticManifest } from './synthetic-manifest-apply.ts';
import type { TargetState } from './target-directories-inspect.ts';
import { refuseChanged } from './unchanged-inspect.ts';

export interface ApplyOptions {
  readonly preflight: Preflight;
  /** Port and name of a clone; a production keeps its own. */
  readonly port: number;
  readonly clusterName: string;
  readonly action: TargetAction;
  /** Whether it is started at once, and its recovery waited for. */
  readonly isWatched?: boolean;
  /** Given when the cluster is to go on in the original's place, not as a clone: the words that fetch WAL, absolute paths. */
  readonly production?: { readonly walGet: readonly string[] } | undefined;
  /** Settings in place of the others until the restored cluster is settled. */
  readonly quarantine?: readonly Setting[];
  /** The programs it will run on, when they are known: only libraries they have are preloaded. */
  readonly programs: ServerPrograms | undefined;
  readonly owner: SystemUser | undefined;
  readonly signal: AbortSignal;
  readonly onProgress: (phase: 'files' | 'wal', done: number, total: number) => void;
}

export interface Restored {
  readonly dataDirectory: string;
  readonly spoolDirectory: string;
  readonly port: number;
  /** postgresql.auto.conf as it is to be once recovery is over. */
  readonly settledAutoConf: string;
  /** As it is to be once recovery was seen to have paused; undefined where it stays as it is. */
  readonly pausedAutoConf: string | undefined;
  readonly owner: SystemUser | undefined;
  /** Configuration files that the backup has not (they lie outside the data directory there) and that were written new. */
  readonly madeFiles: readonly string[];
  /** Configuration files that were laid down beside the data directory. */
  readonly outsideFiles: readonly string[];
  readonly leftLines: readonly string[];
  /** Preloaded libraries that were left out of a clone. */
  readonly leftLibraries: readonly LeftLibrary[];
  /** What of the files was there already, where it went over an existing directory. */
  readonly delta: DeltaOutcome | undefined;
}

/**
 * Lays the backup down with everything recovery needs beside it, alone in the directory and only if that is as it was planned for.
 * pg_control comes last: until then no server starts here, and a restore that was interrupted can be gone on with, because its mark
 * is in the directory.
 *
 * @throws {DbadminError} `locked`, `plan-stale`, `refused`, `storage-full`, `file-unwritable`, `repository-damaged`, `wal-missing`,
 * `interrupted`.
 */
export async function applyRestore(options: ApplyOptions): Promise<Restored> {
  const { preflight, owner } = options;
  const { dataDirectory } = preflight.layout;
  refuseWithoutTarget(options);
  if (preflight.state.kind === 'empty') await makeDirectory(dataDirectory, 0o700, owner);
  const release = await holdDirectory(dataDirectory);
  try {
    return await applyAlone(options);
  } finally {
    await release();
  }
}

/** Where recovery is given no target the server opens, whatever it is told to do at one. */
function refuseWithoutTarget({ preflight: { resolution }, action }: ApplyOptions): void {
  if (action === 'promote' || resolution.end.kind !== 'end-of-wal') return;
  throw new DbadminError('refused', `no target is left at which the cluster could ${action}`, {
    detail: `Nothing is stored behind the checkpoint with which backup ${resolution.backup.label} begins: its server has nothing to replay, and opens.`,
    hint: 'Restore with --action promote, or to a moment behind it once later WAL is stored.',
  });
}

async function applyAlone(options: ApplyOptions): Promise<Restored> {
  const { preflight, owner, signal, production } = options;
  const { layout, contents, state } = preflight;
  const { dataDirectory, spoolDirectory } = layout;
  const purpose: Purpose =
    production === undefined
      ? { kind: 'clone', port: options.port, clusterName: options.clusterName, machineBytes: memoryHere() }
      : { kind: 'production', walGet: production.walGet };
  const libraries = await librariesOf(options);
  const { action, isWatched, quarantine = [] } = options;
  const configuration = planConfiguration(preflight, { purpose, action, isWatched, libraries: libraries.kept, quarantine });
  const lay: LayDownOptions = {
    plan: layout,
    blobs: preflight.blobs,
    owner,
    replaced: new Map([...configuration.changed, ['postgresql.auto.conf', configuration.recoveringAutoConf], ['recovery.signal', '']]),
    signal,
    onProgress: (done, total) => options.onProgress('files', done, total),
  };
  const id = randomUUID();
  await refuseChanged(dataDirectory, state);
  await placeMarker(
    layout,
    {
      id,
      systemIdentifier: contents.cluster.systemIdentifier,
      backup: preflight.resolution.backup.label,
      tablespaces: layout.tablespaces.map(({ directory }) => directory),
      spoolDirectory,
      ...(beganOverCluster(state) ? { overCluster: true } : {}),
      ...walAsideOf(state),
    },
    owner,
  );
  const delta = state.kind === 'over' ? await applyDelta(state.delta, preflight, lay) : undefined;
  if (state.kind === 'over') await rm(spoolDirectory, { recursive: true, force: true });
  const isSynthetic = !Iterator.from(layout.files).some((file) => file.path === SERVER_MANIFEST);
  const files = state.kind === 'over' ? state.delta.written : layout.files;
  const directories = [...layout.directories, ...configuration.directories.map((each) => ({ path: each, mode: 0o700 }))];
  const checksums = await layDown({ ...lay, plan: { ...layout, directories, files }, checksums: isSynthetic });
  if (isSynthetic) {
    const { blobs, resolution } = preflight;
    await writeSyntheticManifest({ plan: layout, backup: resolution.backup, blobs, checksums, owner, signal });
  }
  if (preflight.staleConfiguration !== undefined) await moveStaleConfiguration(preflight.staleConfiguration, owner);
  await writeConfiguration(dataDirectory, configuration, owner);
  await spoolFor(options);
  await refuseOtherMarker(dataDirectory, id);
  await writeControlFile(lay);
  await removeMarker(dataDirectory);
  return {
    dataDirectory,
    spoolDirectory,
    port: options.port,
    settledAutoConf: configuration.settledAutoConf,
    pausedAutoConf: configuration.pausedAutoConf,
    owner,
    madeFiles: configuration.made,
    outsideFiles: configuration.outside.files.map((file) => file.path),
    leftLines: configuration.leftLines,
    leftLibraries: libraries.left,
    delta,
  };
}

/** An interrupted restore that is finished goes over what the one before it did. */
function beganOverCluster(state: TargetState): boolean {
  return state.kind === 'over' && (state.target.kind === 'cluster' || state.target.marker.overCluster === true);
}

/** As long as a restore is not finished, whoever goes on with it moves the rest to the same place. */
function walAsideOf(state: TargetState): { readonly walAside?: string } {
  if (state.kind === 'empty') return {};
  const walAside = state.unstored?.aside ?? (state.target.kind === 'unfinished' ? state.target.marker.walAside : undefined);
  return walAside === undefined ? {} : { walAside };
}

/** Memory that a server here may use: a container's limit counts where there is one. */
function memoryHere(): number {
  const limit = process.constrainedMemory();
  return limit > 0 ? Math.min(limit, os.totalmem()) : os.totalmem();
}

/** A production preloads what it always did: without its libraries it is not that cluster. */
async function librariesOf({ preflight, programs, production }: ApplyOptions): ReturnType<typeof inspectLibraries> {
  if (production !== undefined) return { kept: new Map(), left: [] };
  return await inspectLibraries((name) => originalSetting(preflight, name), programs);
}

/** What lies outside, and the server's manifest, which would call files we changed or made foreign. */
async function writeConfiguration(
  dataDirectory: string,
  { changed, outside }: RestoredConfiguration,
  owner: SystemUser | undefined,
): Promise<void> {
  for (const directory of outside.directories) await makeDirectory(directory, 0o700, owner);
  for (const file of outside.files) {
    await makeDirectory(path.dirname(file.path), 0o700, owner);
    await writeText(file.path, configurationBytes(file.content), owner);
    await syncDirectory(path.dirname(file.path));
  }
  if (changed.size === 0) return;
  await rewriteServerManifest(path.join(dataDirectory, SERVER_MANIFEST), changed, owner);
}

async function spoolFor({ preflight, production, owner, signal, onProgress }: ApplyOptions): Promise<void> {
  const { contents, lineage, resolution, layout } = preflight;
  const toEndOfWal = resolution.end.kind === 'end-of-wal';
  await spoolWal({
    directory: layout.spoolDirectory,
    dataDirectory: layout.dataDirectory,
    archive: contents.archive,
    coverage: contents.coverage,
    lineage,
    fromLsn: parseLsn(resolution.backup.startLsn),
    untilLsn: resolution.neededUntil,
    toEndOfWal,
    cutsAtEnd: toEndOfWal && production === undefined,
    owner,
    signal,
    onSegment: (done, total) => onProgress('wal', done, total),
  });
}
