import path from 'node:path';
import { DbadminError } from '../../base/errors.ts';
import { diffLines } from './diff.ts';
import type { BegunStatement, HistoryRow } from '../history/history.ts';
import { nextVersion } from './names.ts';
import type { MigrationFile } from './migration.ts';

const SHOWN_LINES = 40;

/** An applied file is another one now. */
export function changedError(migration: MigrationFile, row: HistoryRow, body: string): DbadminError {
  const diff = diffLines(body, migration.file.text);
  const shown = diff.slice(0, SHOWN_LINES);
  const more = diff.length > shown.length ? [`… ${diff.length - shown.length} more lines`] : [];
  return new DbadminError('migration-changed', `${migration.file.path} changed after it was applied`, {
    detail: [
      `Applied ${row.finishedAt?.toISOString() ?? ''} by ${row.appliedBy}; - is what ran, + is the file now:`,
      ...shown,
      ...more,
    ].join('\n'),
    hint: `Put the old text back (git checkout does it) and write the change as a new file: dbadmin migrate new NAME.\nIf it changes nothing that was applied: dbadmin migrate repair --accept ${migration.name.version} -- REASON`,
  });
}

/** A file that is not applied comes before one that is. */
export function outOfOrderError(migration: MigrationFile, newest: string, newestName: string, now: Date): DbadminError {
  const { file, name } = migration;
  const renamed = path.posix.join(path.posix.dirname(file.path), `${nextVersion(now, newest)}_${name.title}.sql`);
  return new DbadminError('migration-invalid', `${file.path} is not applied and comes before ${newestName}, which is`, {
    detail: 'Files applied in another order elsewhere give another schema there.',
    hint: `Give it a version of now: dbadmin migrate rebase (git mv ${file.path} ${renamed})\nor apply it as it is, where it cannot matter: dbadmin migrate up --out-of-order`,
  });
}

/** A version is applied and nobody has its file any more. `sameText` is a file that is not applied and says what it said. */
export function missingError(row: HistoryRow, sameText: MigrationFile | undefined): DbadminError {
  if (sameText !== undefined) return renamedError(row, sameText);
  return new DbadminError('migration-invalid', `${row.name} is applied and its file is gone`, {
    detail: `Applied ${row.finishedAt?.toISOString() ?? ''} by ${row.appliedBy}. This working copy may be older than the database.`,
    hint: `Get the file back from git, or from the history: dbadmin migrate status --body ${row.version ?? ''} > FILE\nor go on without it: dbadmin migrate up --allow-missing\nor for good: dbadmin migrate repair --forget ${row.version ?? ''} -- REASON`,
  });
}

/** A part of it is in the database, and nobody has the rest: neither applied nor pending, it would be in no list. */
export function begunAndGoneError(version: string, statements: ReadonlyMap<number, BegunStatement>): DbadminError {
  const done = [...statements].filter(([, { finished }]) => finished).map(([number]) => number);
  const ran = done.length === 0 ? 'No statement of it is known to have ended' : `Of its statements ${done.join(', ')} ran`;
  return new DbadminError('migration-invalid', `version ${version} is applied in part and its file is gone`, {
    detail: `${ran}; an interrupted run left it, and their texts are in the history. This working copy may be older than the database.`,
    hint: `Get the file back from git, and dbadmin migrate up goes on with it.\nor undo by hand what it did, and say so: dbadmin migrate repair --undone ${version} -- REASON`,
  });
}

/** No file is there, and not for want of one: said once, not for each version. */
export function noDirectoryError(directory: string, applied: number): DbadminError {
  return new DbadminError('file-unreadable', `there is no directory ${directory}, and versions are applied here`, {
    detail: `The history has ${applied} of them.`,
    hint: 'Run this in the directory of the project, or give its --config; paths.migrations in dbadmin.yaml says where the files are.',
  });
}

/** Going on without the old name, as with a file that is gone, would run the same text again. */
function renamedError(row: HistoryRow, { name, file }: MigrationFile): DbadminError {
  const directory = file.path.slice(0, -name.file.length);
  return new DbadminError('migration-invalid', `${file.path} is ${row.name} under another version`, {
    detail: `${row.name} is applied with this very text, and its file is gone: as ${name.version} it would run a second time.`,
    hint: `Give it its name back: git mv ${file.path} ${directory}${row.name}`,
  });
}
