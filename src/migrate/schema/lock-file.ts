import path from 'node:path';
import { DbadminError } from '../../base/errors.ts';
import type { MigrationDirectories } from '../inspect.ts';
import type { MigrationFile } from '../files/migration.ts';

/** A versioned file as the lock file lists it. */
export interface LockEntry {
  readonly file: string;
  /** Of the normalised text, 64 hex digits. */
  readonly sha256: string;
}

const HEAD = `# All versioned files in their order, each with the SHA-256 of its text. Written by dbadmin.
# Two branches that both add a file conflict here, on purpose: decide which comes first, then dbadmin migrate validate --write-lock.
`;
const MEND = 'When the files are right as they are, list them anew: dbadmin migrate validate --write-lock';
const MOST_NAMED = 20;

/** The lock file lies beside the directory of versioned files: `sql/migrations.lock`. */
export function lockPath({ migrations }: MigrationDirectories): string {
  return `${migrations}.lock`;
}

/** The text of the lock file for these files, which are in order. */
export function lockText(migrations: readonly MigrationFile[]): string {
  return HEAD + migrations.map(({ name, file }) => `${file.sha256}  ${name.file}\n`).join('');
}

/**
 * The entries of a lock file. `shown` is how messages name it.
 *
 * @throws {DbadminError} `migration-invalid` at a line that git's merge left, or that is no entry.
 */
export function readLock(text: string, shown: string): readonly LockEntry[] {
  const entries: LockEntry[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '' || line.startsWith('#')) continue;
    const match = /^([0-9a-f]{64}) {2}(\S+\.sql)\s*$/.exec(line);
    if (match !== null) {
      entries.push({ sha256: match[1] ?? '', file: match[2] ?? '' });
      continue;
    }
    if (/^(<{7}|={7}|>{7}|\|{7})/.test(line)) {
      throw new DbadminError('migration-invalid', `${shown}:${index + 1}: two branches changed the migrations, and nobody decided yet`, {
        detail: `The line is ${line.slice(0, 60)}`,
        hint: 'See which of the new files come first; dbadmin migrate rebase gives those that come too early a version of now.\nThen list the files anew: dbadmin migrate validate --write-lock',
      });
    }
    throw new DbadminError('migration-invalid', `${shown}:${index + 1}: not an entry of a lock file`, {
      detail: line.slice(0, 120),
      hint: MEND,
    });
  }
  return entries;
}

/** Where the lock file and the files on disk differ; empty when they agree. */
export function compareLock(entries: readonly LockEntry[], migrations: readonly MigrationFile[], shown: string): readonly DbadminError[] {
  const onDisk = new Map(migrations.map(({ name, file }) => [name.file, file.sha256]));
  const listed = new Map(entries.map(({ file, sha256 }) => [file, sha256]));
  const missing = entries.filter(({ file }) => !onDisk.has(file)).map(({ file }) => file);
  const differing = entries.filter(({ file, sha256 }) => onDisk.has(file) && onDisk.get(file) !== sha256).map(({ file }) => file);
  const unlisted = migrations.filter(({ name }) => !listed.has(name.file)).map(({ name }) => name.file);
  const problems: DbadminError[] = [];
  const add = (files: readonly string[], one: string, many: string, hint: string): void => {
    const [first] = files;
    if (first === undefined) return;
    const what = files.length === 1 ? `${first} ${one}` : `${files.length} files ${many}`;
    problems.push(
      new DbadminError('migration-invalid', `${shown}: ${what}`, { detail: files.length === 1 ? undefined : names(files), hint }),
    );
  };
  add(missing, 'is listed and its file is gone', 'are listed and gone', `Get it back from git. ${MEND}`);
  add(differing, 'is another text than the one listed', 'are other texts than those listed', MEND);
  add(unlisted, 'is not listed', 'are not listed', MEND);
  if (problems.length > 0) return problems;
  const order = migrations.map(({ name }) => name.file);
  const wrong = entries.findIndex(({ file }, index) => file !== order[index]);
  if (wrong < 0) return [];
  const entry = entries[wrong];
  const what = entries.length > order.length ? 'is listed twice' : `is listed where ${order[wrong] ?? 'nothing'} belongs`;
  return [new DbadminError('migration-invalid', `${shown}: ${entry?.file ?? ''} ${what}`, { hint: MEND })];
}

/** How messages name the lock file. */
export function lockShown(directories: MigrationDirectories): string {
  return path.relative(directories.project, lockPath(directories)).split(path.sep).join('/');
}

function names(files: readonly string[]): string {
  const more = files.length > MOST_NAMED ? [`… and ${files.length - MOST_NAMED} more`] : [];
  return [...files.slice(0, MOST_NAMED), ...more].join('\n');
}
