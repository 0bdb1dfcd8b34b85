import path from 'node:path';
import { access } from 'node:fs/promises';
import { parseLsn } from '../../postgres/lsn.ts';
import type { ServerPrograms, SystemUser } from '../../postgres/server.ts';
import { serverManifestWith } from './server-manifest.ts';
import type { Preflight } from './inspect.ts';
import { layDown, writeControlFile, writeText, type LayDownOptions } from './lay-down-apply.ts';
import { cloneSettings, writeAutoConf, type TargetAction } from './recovery-settings.ts';
import { spoolWal } from './spool-apply.ts';

export interface ApplyOptions {
  readonly preflight: Preflight;
  readonly port: number;
  readonly clusterName: string;
  readonly action: TargetAction;
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
  /** Configuration files that the backup has not (they lie outside the data directory there) and that were written new. */
  readonly madeFiles: readonly string[];
  /** Libraries of shared_preload_libraries that are not on this machine and were left out. */
  readonly missingLibraries: readonly string[];
}

/**
 * Lays the backup down with everything recovery needs beside it. pg_control comes last: until then no server starts here.
 *
 * @throws {DbadminError} `storage-full`, `file-unwritable`, `repository-damaged`, `wal-missing`, `interrupted`.
 */
export async function applyRestore(options: ApplyOptions): Promise<Restored> {
  const { preflight, owner, signal } = options;
  const { layout, resolution, contents, lineage, control } = preflight;
  const { dataDirectory, spoolDirectory } = layout;
  const libraries = await preloadLibraries(preflight, options.programs);
  const settings = cloneSettings({
    major: Math.floor(resolution.backup.serverVersion / 10_000),
    port: options.port,
    clusterName: options.clusterName,
    socketDirectory: Buffer.byteLength(dataDirectory) <= 90 ? dataDirectory : undefined,
    dataDirectory,
    limits: control,
    preloadLibraries: libraries.present,
    end: resolution.end,
    timeline: lineage.timeline,
    action: options.action,
    spoolDirectory,
  });
  const made = madeFiles(preflight);
  const replaced = new Map([...made, ['postgresql.auto.conf', writeAutoConf(preflight.autoConf, settings)], ['recovery.signal', '']]);
  const lay: LayDownOptions = {
    plan: layout,
    blobs: preflight.blobs,
    owner,
    replaced,
    signal,
    onProgress: (done, total) => options.onProgress('files', done, total),
  };
  await layDown(lay);
  if (made.size > 0) await vouchForMadeFiles(dataDirectory, made, owner);
  await spoolWal({
    directory: spoolDirectory,
    archive: contents.archive,
    coverage: contents.coverage,
    lineage,
    fromLsn: parseLsn(resolution.backup.startLsn),
    untilLsn: resolution.neededUntil,
    toEndOfWal: resolution.end.kind === 'end-of-wal',
    owner,
    signal,
    onSegment: (done, total) => options.onProgress('wal', done, total),
  });
  await writeControlFile(lay);
  return { dataDirectory, spoolDirectory, port: options.port, madeFiles: [...made.keys()], missingLibraries: libraries.missing };
}

/** Configuration files kept outside of the data directory (Debian does) are not in a base backup: a clone gets plain ones. */
function madeFiles(preflight: Preflight): ReadonlyMap<string, string> {
  const made = new Map<string, string>();
  const note = '# Written by dbadmin restore: the original keeps this file outside of its data directory.\n';
  if (preflight.mainConf === undefined) made.set('postgresql.conf', note);
  if (!preflight.hasHba) {
    made.set('pg_hba.conf', `${note}local all all peer\nhost all all 127.0.0.1/32 scram-sha-256\nhost all all ::1/128 scram-sha-256\n`);
    made.set('pg_ident.conf', note);
  }
  return made;
}

/** backup_manifest lists what the server sent; files we made are added, or pg_verifybackup would call them foreign. */
async function vouchForMadeFiles(dataDirectory: string, made: ReadonlyMap<string, string>, owner: SystemUser | undefined): Promise<void> {
  const file = path.join(dataDirectory, 'backup_manifest');
  await writeText(file, await serverManifestWith(file, made), owner);
}

async function preloadLibraries(
  preflight: Preflight,
  programs: ServerPrograms | undefined,
): Promise<{ readonly present: readonly string[]; readonly missing: readonly string[] }> {
  const value =
    lastSetting(preflight.autoConf, 'shared_preload_libraries') ?? lastSetting(preflight.mainConf ?? '', 'shared_preload_libraries') ?? '';
  const names = value
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  const present: string[] = [];
  for (const name of names) if (programs !== undefined && (await isInstalled(name, programs))) present.push(name);
  return { present, missing: names.filter((name) => !present.includes(name)) };
}

async function isInstalled(library: string, programs: ServerPrograms): Promise<boolean> {
  const file = library.endsWith('.so') ? library : `${library}.so`;
  const prefix = path.dirname(programs.binDirectory);
  const places = library.startsWith('/') ? [file] : [path.join(prefix, 'lib', file), path.join(prefix, 'lib', 'postgresql', file)];
  for (const place of places) {
    try {
      await access(place);
      return true;
    } catch {
      // the next place may have it
    }
  }
  return false;
}

/** The value that a configuration file gives a setting: its last line of that name wins. */
export function lastSetting(conf: string, name: string): string | undefined {
  const lines = [...conf.matchAll(new RegExp(`^\\s*${name}\\s*(?:=|\\s)\\s*(?:'((?:[^']|'')*)'|([^\\s#]+))`, 'gim'))];
  const last = lines.at(-1);
  return last?.[1]?.replaceAll("''", "'") ?? last?.[2];
}
