import path from 'node:path';
import { cloneSettings, type LibrarySetting, type Setting } from './clone-settings.ts';
import {
  lastSetting,
  leadingMainConf,
  leadToCopies,
  moveOuter,
  outerDirectoryOf,
  withoutOutsideLines,
  type OuterTree,
  type OuterFile,
} from './configuration-files.ts';
import { originalSetting, type Preflight } from './inspect.ts';
import { savedDirectories } from './lacking-configuration.ts';
import { productionSettings, watchedSettings } from './production-settings.ts';
import {
  isRecoverySetting,
  recoverySettings,
  repositoryCommand,
  spoolCommand,
  writeAutoConf,
  type TargetAction,
} from './recovery-settings.ts';

/** What the restored cluster is for. */
export type Purpose =
  | { readonly kind: 'clone'; readonly port: number; readonly clusterName: string; readonly machineBytes: number }
  /** Goes on in the original's place. `walGet` are the words that fetch WAL from the repository, absolute paths. */
  | { readonly kind: 'production'; readonly walGet: readonly string[] };

/** The configuration a restored cluster gets. */
export interface RestoredConfiguration {
  /** Files of the data directory that are written in place of the backup's, or that it has not; by relative path. */
  readonly changed: ReadonlyMap<string, string>;
  /** Those of {@link changed} that are in no backup, because they lie outside of the data directory and could not be saved. */
  readonly made: readonly string[];
  /** Directories of the data directory that are included and were links there, parents before children; by relative path. */
  readonly directories: readonly string[];
  /** Lines of postgresql.conf that lead out of the data directory and were taken out. */
  readonly leftLines: readonly string[];
  /** What is laid down outside of the data directory, absolute. */
  readonly outside: OuterTree;
  /** postgresql.auto.conf for the recovery, and as it is to be once that is over. */
  readonly recoveringAutoConf: string;
  readonly settledAutoConf: string;
  /** As it is to be once recovery has paused; undefined where that is as it was for the recovery. */
  readonly pausedAutoConf: string | undefined;
}

export interface ConfigurationRequest {
  readonly purpose: Purpose;
  readonly action: TargetAction;
  /** Whether somebody waits for a pause of its recovery. */
  readonly isWatched?: boolean | undefined;
  readonly libraries: ReadonlyMap<LibrarySetting, readonly string[]>;
  /** Settings of the time until what came back from the past is undone, in place of the others; then nobody else gets in. */
  readonly quarantine: readonly Setting[];
}

/** What the restored cluster's configuration files say. Pure. */
export function planConfiguration(preflight: Preflight, request: ConfigurationRequest): RestoredConfiguration {
  const { purpose } = request;
  const { layout, resolution, lineage, autoConf } = preflight;
  const files = purpose.kind === 'clone' ? cloneFiles(preflight) : productionFiles(preflight);
  // What is a link there is a file here, and no base backup's manifest knows it.
  const changed = new Map([...preflight.linked, ...files.changed]);
  const known = new Set(layout.directories.map((directory) => directory.path));
  const own =
    purpose.kind === 'clone'
      ? cloneSettings({
          major: majorOf(preflight),
          port: purpose.port,
          clusterName: purpose.clusterName,
          socketDirectory: socketDirectoryOf(layout.dataDirectory),
          dataDirectory: layout.dataDirectory,
          limits: preflight.control,
          walSegmentBytes: preflight.control.walSegmentBytes,
          libraries: request.libraries,
          original: (name) => originalSetting(preflight, name),
          machineBytes: purpose.machineBytes,
        })
      : productionSettings({
          limits: preflight.control,
          original: (name) => originalSetting(preflight, name),
          moved: files.moved,
        });
  const fetch = purpose.kind === 'production' ? repositoryCommand(purpose.walGet) : undefined;
  const recovery = recoverySettings({
    major: majorOf(preflight),
    end: resolution.end,
    timeline: lineage.timeline,
    action: request.action,
    restoreCommand: spoolCommand(layout.spoolDirectory, fetch),
  });
  // Of its time as a standby: it would delete archived WAL while a primary that is to be recovers. A clone has none anyhow.
  const meanwhile: readonly Setting[] = purpose.kind === 'production' ? [['archive_cleanup_command', ''], ...archivesOwn(preflight)] : [];
  // Whoever waits for the pause reads of it in the log. A clone's settings see to that anyhow.
  const isWatched = request.isWatched === true && request.action === 'pause' && purpose.kind === 'production';
  const watched = isWatched ? watchedSettings((name) => saidOf(preflight, name)) : [];
  const recovering = (settings: readonly Setting[]): string =>
    writeAutoConf(autoConf, [...overridden(own, request.quarantine), ...meanwhile, ...settings, ...recovery]);
  // A standby made of it later asks the repository; a clone asks nobody.
  const afterwards: readonly Setting[] = fetch === undefined ? [] : [['restore_command', fetch]];
  return {
    changed,
    made: files.made,
    directories: directoriesOf(preflight)
      .filter((directory) => !path.isAbsolute(directory) && !known.has(directory))
      .toSorted(),
    leftLines: files.leftLines,
    outside: files.outside,
    recoveringAutoConf: recovering(watched),
    settledAutoConf: writeAutoConf(withoutRecovery(autoConf), [...own, ...afterwards]),
    pausedAutoConf: watched.length === 0 ? undefined : recovering([]),
  };
}

/**
 * With `always` a recovery archives what it was given, too: the open segment, of which there is a part and zeros behind it, as a whole one. As
 * a primary it archives the same with `on`.
 *
 * @see KeepFileRestoredFromArchive in src/backend/access/transam/xlogarchive.c of PostgreSQL
 */
function archivesOwn(preflight: Preflight): readonly Setting[] {
  const own = lastSetting(preflight.autoConf, 'archive_mode');
  const said = own === undefined ? saidOf(preflight, 'archive_mode') : [own];
  const isAlways = said.some((each) => /^always$/i.test(each)) && said.every((each) => /^(always|on|true|yes|1)$/i.test(each));
  return isAlways ? [['archive_mode', 'on']] : [];
}

/** All that its configuration files say of a setting: among those that are included nobody tells which has the last word. */
function saidOf(preflight: Preflight, name: string): readonly string[] {
  const included = Array.from(preflight.included.values(), (text) => lastSetting(text, name));
  return [originalSetting(preflight, name), ...included].flatMap((value) => (value === undefined ? [] : [value]));
}

/** The major of the backup's server. */
export function majorOf({ resolution }: Pick<Preflight, 'resolution'>): number {
  return Math.floor(resolution.backup.serverVersion / 10_000);
}

/** Where a cluster's socket may lie: its data directory, or nowhere when the path is too long for one. */
export function socketDirectoryOf(dataDirectory: string): string | undefined {
  return Buffer.byteLength(dataDirectory) <= 90 ? dataDirectory : undefined;
}

function overridden(settings: readonly Setting[], by: readonly Setting[]): readonly Setting[] {
  const names = new Set(by.map(([name]) => name));
  return [...settings.filter(([name]) => !names.has(name)), ...by];
}

function withoutRecovery(autoConf: string): string {
  return autoConf
    .split('\n')
    .filter((line) => !isRecoverySetting(/^\s*([a-z_]+)/i.exec(line)?.[1]?.toLowerCase() ?? ''))
    .join('\n');
}

interface Files {
  readonly changed: ReadonlyMap<string, string>;
  readonly made: readonly string[];
  readonly leftLines: readonly string[];
  readonly outside: OuterTree;
  readonly moved: ReadonlyMap<'hba_file' | 'ident_file', string>;
}

const NOTE = '# Written by dbadmin restore: the original keeps this file outside of its data directory.\n';
const PLAIN_HBA = `${NOTE}local all all peer\nhost all all 127.0.0.1/32 scram-sha-256\nhost all all ::1/128 scram-sha-256\n`;

/** Configuration kept outside of the data directory (Debian does) is not in a base backup: a clone gets plain files. */
function cloneFiles({ mainConf, hasHba, linked, included, layout }: Preflight): Files {
  const inside = mainConf === undefined ? undefined : withoutOutsideLines(mainConf);
  const changed = new Map<string, string>(inside === undefined ? [] : [['postgresql.conf', inside.text]]);
  const leads = [...linked, ...included].some(
    ([file, text]) => file !== 'postgresql.conf' && lastSetting(text, 'data_directory') !== undefined,
  );
  if (leads && mainConf !== undefined) changed.set('postgresql.conf', `${inside?.text ?? mainConf}${ownDirectory(layout.dataDirectory)}`);
  const made = new Map<string, string>();
  if (mainConf === undefined) made.set('postgresql.conf', NOTE);
  if (!hasHba) made.set('pg_hba.conf', PLAIN_HBA);
  if (!hasHba && !linked.has('pg_ident.conf')) made.set('pg_ident.conf', NOTE);
  return {
    changed: new Map([...changed, ...made]),
    made: [...made.keys()],
    leftLines: inside?.left ?? [],
    outside: { files: [], directories: [] },
    moved: new Map(),
  };
}

/** The last line of a postgresql.conf, which has the last word. */
function ownDirectory(dataDirectory: string): string {
  return `\ndata_directory = '${dataDirectory.replaceAll("'", "''").replaceAll('\\', '\\\\')}'\n`;
}

/** What lay outside is laid down beside the data directory, and a postgresql.conf in it leads there. */
function productionFiles(preflight: Preflight): Files {
  const { layout, mainConf, hasHba, outer, linked, authentication } = preflight;
  const directory = outerDirectoryOf(layout.dataDirectory);
  const saved = { files: outer, directories: directoriesOf(preflight).filter((each) => path.isAbsolute(each)) };
  const outside = moveOuter(saved, directory);
  const main = mainFile(outer);
  const changed = new Map<string, string>();
  const made: string[] = [];
  for (const [file, text] of [...linked, ...authentication]) {
    const led = leadToCopies(text, saved, directory);
    if (led !== text) changed.set(file, led);
  }
  if (mainConf === undefined) {
    const text = main === undefined ? NOTE : leadingMainConf(`${directory}${main.path}`, layout.dataDirectory);
    changed.set('postgresql.conf', text);
    if (main === undefined) made.push('postgresql.conf');
  } else {
    const led = leadToCopies(mainConf, saved, directory);
    // Said in a file that it includes it would lead there all the same, and the server start there.
    const leads =
      originalSetting(preflight, 'data_directory') !== undefined ||
      Array.from(preflight.included.values()).some((text) => lastSetting(text, 'data_directory') !== undefined);
    if (leads || led !== mainConf) changed.set('postgresql.conf', leads ? `${led}${ownDirectory(layout.dataDirectory)}` : led);
  }
  const moved = new Map<'hba_file' | 'ident_file', string>();
  for (const [name, fallback] of [
    ['hba_file', 'pg_hba.conf'],
    ['ident_file', 'pg_ident.conf'],
  ] as const) {
    const was = originalSetting(preflight, name) ?? (main === undefined ? undefined : path.join(path.dirname(main.path), fallback));
    const kept = was === undefined ? undefined : outside.files.find((file) => file.path === `${directory}${was}`);
    if (kept !== undefined) moved.set(name, kept.path);
    else if (!hasHba && !linked.has(fallback)) {
      changed.set(fallback, name === 'hba_file' ? PLAIN_HBA : NOTE);
      made.push(fallback);
      moved.set(name, path.join(layout.dataDirectory, fallback));
    }
  }
  return { changed, made, leftLines: [], outside, moved };
}

function directoriesOf({ resolution, outer }: Preflight): readonly string[] {
  return savedDirectories({ backup: resolution.backup, outer });
}

/** The file that the others are included from: it says where the data are, or has the usual name. */
function mainFile(outer: readonly OuterFile[]): OuterFile | undefined {
  return (
    outer.find(({ content }) => lastSetting(content, 'data_directory') !== undefined) ??
    outer.find((file) => path.basename(file.path) === 'postgresql.conf')
  );
}
