import { existsSync, readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { DbadminError, isDbadminError, messageOf, systemCodeOf } from '../base/errors.ts';
import { normaliseDecoded, normaliseSql, sha256Of } from './files/checksum.ts';
import {
  EMPTY_HISTORY,
  foldHistory,
  historyTable,
  readHistoryRow,
  selectHistorySql,
  type History,
  type HistoryRecord,
} from './history/history.ts';
import { inspectHistoryForm } from './history/ensure.ts';
import { refuseNewerHistory } from './history/form.ts';
import type { MigrationFile, SqlFile } from './files/migration.ts';
import { compareVersions, parseMigrationName, sortKey } from './files/names.ts';
import type { Observed, RoutineFile } from './plan.ts';
import type { Queryable } from './session/session.ts';

/** Where the files are; all absolute. */
export interface MigrationDirectories {
  /** Messages name files relative to this. */
  readonly project: string;
  readonly migrations: string;
  readonly routines: string;
}

/** What lies on disk. */
export interface FoundFiles {
  readonly migrations: readonly MigrationFile[];
  readonly routines: readonly RoutineFile[];
  readonly problems: readonly DbadminError[];
  /** Versions and routines whose file is there and could not be read; each has its problem. */
  readonly unread: ReadonlySet<string>;
  /** The directory of versioned files as messages name it, when there is none. */
  readonly noDirectory: string | undefined;
}

/**
 * Reads all versioned files and routines, in order. A directory that is not there is empty. Files that do not end in `.sql`
 * are passed over; what is wrong with the others is collected.
 */
export async function readFiles(directories: MigrationDirectories): Promise<FoundFiles> {
  const problems: DbadminError[] = [];
  const unread = new Set<string>();
  const readOrNote = (name: string, location: string, display: string): SqlFile => {
    try {
      return readSql(location, display);
    } catch (error) {
      unread.add(name);
      throw error;
    }
  };
  const readEach = <Value>(files: readonly string[], read: (file: string) => Value): readonly Value[] =>
    files.flatMap((file) => {
      try {
        return [read(file)];
      } catch (error) {
        if (!isDbadminError(error)) throw error;
        problems.push(error);
        return [];
      }
    });
  // Joined by hand: asking `path` for each of ten thousand names takes as long as hashing all of the files.
  const place = path.join(directories.migrations, path.sep);
  const shown = displayPath(directories, directories.migrations);
  const shownPlace = shown === '' ? '' : `${shown}/`;
  const migrations = readEach(await listSql(directories.migrations, false), (file) => {
    const name = parseMigrationName(file);
    return { name, file: readOrNote(sortKey(name.version), place + file, shownPlace + file) };
  });
  const routines = readEach(await listSql(directories.routines, true), (file) => {
    const location = path.join(directories.routines, file);
    const display = displayPath(directories, location);
    const name = file.slice(0, -'.sql'.length).split(path.sep);
    if (name.length < 2) throw misplacedRoutine(display);
    return { name: name.join('/'), file: readOrNote(name.join('/'), location, display) };
  });
  const ordered = migrations.toSorted((a, b) => compareVersions(a.name.version, b.name.version) || (a.name.file < b.name.file ? -1 : 1));
  for (const [index, { name, file }] of ordered.entries()) {
    const before = ordered[index - 1];
    if (before === undefined || sortKey(before.name.version) !== sortKey(name.version)) continue;
    problems.push(
      new DbadminError('migration-invalid', `${file.path}: version ${name.version} is that of ${before.name.file} too`, {
        hint: 'Give one of them a version of its own; rename the one that is applied nowhere.',
      }),
    );
  }
  const noDirectory = ordered.length === 0 && !existsSync(directories.migrations) ? shown : undefined;
  return { migrations: ordered, routines: routines.toSorted((a, b) => (a.name < b.name ? -1 : 1)), problems, unread, noDirectory };
}

function misplacedRoutine(file: string): DbadminError {
  return new DbadminError('migration-invalid', `${file}: a routine lies in a directory named after its schema`, {
    hint: `Move it: ${path.posix.join(path.posix.dirname(file), 'public', path.posix.basename(file))}`,
  });
}

/** Names of the `.sql` files in a directory, with `recursive` those below it too; none when there is no such directory. */
export async function listSql(directory: string, recursive: boolean): Promise<readonly string[]> {
  try {
    const entries = await readdir(directory, { withFileTypes: true, recursive });
    return entries
      .filter((entry) => (entry.isFile() || entry.isSymbolicLink()) && entry.name.endsWith('.sql') && !entry.name.startsWith('.'))
      .map((entry) => (entry.parentPath === directory ? entry.name : path.relative(directory, path.join(entry.parentPath, entry.name))));
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return [];
    throw new DbadminError('file-unreadable', `cannot read ${directory}`, { detail: messageOf(error), cause: error });
  }
}

/** Not asynchronous: ten thousand small files take a third of the time this way, and nothing else waits. */
export function readSql(location: string, shown: string): SqlFile {
  let text: string;
  try {
    text = normaliseDecoded(readFileSync(location, 'utf8')) ?? normaliseSql(readFileSync(location), shown);
  } catch (error) {
    if (isDbadminError(error)) throw error;
    throw new DbadminError('file-unreadable', `cannot read ${shown}`, { detail: messageOf(error), cause: error });
  }
  return { path: shown, location, text, sha256: sha256Of(text) };
}

/** A path as messages name it: relative to the project, with slashes. */
export function displayPath({ project }: Pick<MigrationDirectories, 'project'>, location: string): string {
  return path.relative(project, location).split(path.sep).join('/');
}

/** The history in `schema`; empty where there is none. Creates nothing. */
export async function readHistory(session: Queryable, schema: string): Promise<History> {
  const found = await inspectHistoryForm(session, schema);
  if (found === undefined) return EMPTY_HISTORY;
  refuseNewerHistory(schema, found);
  const records = await session.query<HistoryRecord>(selectHistorySql(schema));
  return foldHistory(records.map(readHistoryRow));
}

/** Files and history side by side, with the stored texts of what differs. */
export async function observe(session: Queryable, schema: string, files: FoundFiles): Promise<Observed> {
  const history = await readHistory(session, schema);
  const applied = new Map([...history.applied.values()].map((row) => [sortKey(row.version ?? ''), row]));
  const differing: { readonly key: string; readonly seq: string }[] = [];
  for (const { name, file } of files.migrations) {
    const row = applied.get(sortKey(name.version));
    if (row !== undefined && row.sha256 !== file.sha256) differing.push({ key: row.version ?? '', seq: row.seq });
  }
  for (const { name, file } of files.routines) {
    const row = history.routines.get(name);
    if (row !== undefined && row.sha256 !== file.sha256) differing.push({ key: name, seq: row.seq });
  }
  const storedBodies = new Map<string, string>();
  if (differing.length > 0) {
    const sql = `select seq::text as seq, body from ${historyTable(schema)} where seq = any ($1::bigint[])`;
    const rows = await session.query<{ seq: string; body: string }>(sql, [differing.map(({ seq }) => seq)]);
    const bodies = new Map(rows.map(({ seq, body }) => [seq, body]));
    for (const { key, seq } of differing) storedBodies.set(key, bodies.get(seq) ?? '');
  }
  const { problems: fileProblems, ...found } = files;
  return { ...found, fileProblems, history, storedBodies };
}

/** The stored text of an applied version, or undefined when there is none. */
export async function readStoredBody(session: Queryable, schema: string, seq: string): Promise<string | undefined> {
  const rows = await session.query<{ body: string }>(`select body from ${historyTable(schema)} where seq = $1`, [seq]);
  return rows[0]?.body;
}
