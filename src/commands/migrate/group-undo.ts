import type { CommandSpec } from '../command.ts';

const LOCK_WAIT = { flags: '--lock-wait <span>', summary: 'how long to wait for another run', fallback: '5m' };
const NO_RESTORE_POINT = { flags: '--no-restore-point', summary: 'set no restore point' };
const NO_SCHEMA_FILE = { flags: '--no-schema-file', summary: 'leave sql/schema.sql and sql/migrations.lock as they are' };
const DRY_RUN = { flags: '--dry-run', summary: 'show what would be done and end' };
const UNDO_JSON = [
  'database: name',
  'versions: array of { version, file, transaction, statements: array of { number, line, command, object or null, text, done } }, newest first',
  'again: array of versions to be applied again, oldest first; empty for down',
  'stays: the version that stays the newest, 0 when none does',
  'warnings: array of sentences',
  'done: null with --dry-run and when there was nothing to do, else { runId, undone and applied: arrays of { version, file, statements, attempts, lockWaitMs, tookMs }, restorePoint: { name, lsn, timeline, archived } or null }',
];

/** The ways back. */
export const MIGRATE_UNDO_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'migrate down',
    summary: 'undo the newest versions by their down sections',
    description: `What stands below the line -- dbadmin: down in a file undoes it. What runs is the section that was in the file when it was applied: the
history keeps the text, and where the file has another one now, that is said. Newest first, each version in one transaction with a
row that says so in the history, behind the same lock and with the same settings and retries as up; a restore point is set first.
What a statement takes away for good is named before anybody is asked.

A version without a down section, or one that says of itself that it is irreversible, is refused before anything is touched, and
the other ways are named: dbadmin migrate rollback.

The down section of a no-transaction file runs statement by statement, with a row for each; when it is interrupted, the next down
goes on after the last good one, and up refuses until it has.

$ dbadmin migrate down
$ dbadmin migrate down 3 --dry-run
$ dbadmin migrate down --to 20261121T093000`,
    args: [{ form: '[number]', summary: 'how many versions; 1 unless given' }],
    options: [
      { flags: '--to <version>', summary: 'all that are newer than this one, which stays; 0 for all' },
      DRY_RUN,
      LOCK_WAIT,
      NO_RESTORE_POINT,
      NO_SCHEMA_FILE,
    ],
    json: UNDO_JSON,
    load: async () => await import('./down.ts'),
  },
  {
    name: 'migrate redo',
    summary: 'undo the newest versions and apply them again',
    description: `Down, and then the same versions from their files as they are now: for a file that is still being written. Refused before anything is
touched when a down section or a file is missing or a file would not be applied. Other pending files and routines stay as they are.

$ dbadmin migrate redo
$ dbadmin migrate redo 2`,
    args: [{ form: '[number]', summary: 'how many versions; 1 unless given' }],
    options: [
      { flags: '--to <version>', summary: 'all that are newer than this one' },
      DRY_RUN,
      LOCK_WAIT,
      NO_RESTORE_POINT,
      NO_SCHEMA_FILE,
    ],
    json: UNDO_JSON,
    load: async () => await import('./redo.ts'),
  },
  {
    name: 'migrate rollback',
    summary: 'three ways back from a bad migration, with what each costs',
    description: `Shows which versions are newer than the one to go back to, what they took away, and for each of three ways whether it is possible,
why not, and what it costs:

The way down runs their down sections, as dbadmin migrate down does. Data that is gone does not come back by it.

The way rescue restores a clone of the cluster at the restore point of the run, reachable for nobody else, and copies only what was
lost from it into a new schema rescue_<run>: a dropped table whole, of a dropped or overwritten column the primary key and the values,
of deleted rows those that are not there any more. The migrations stay applied; the statements that put the data back are printed,
not run.

The way pitr is the whole cluster as at the restore point, in a new directory, by dbadmin restore; production is not touched. What
that loses is counted in the stored WAL: commits of others, rows they inserted, updated and deleted, and the time since. Where only a
suspect backup serves, rescue says so and goes on; pitr asks for --accept-suspect.

What was lost is read from the applied statements and compared with the catalog: DROP, TRUNCATE, DELETE, UPDATE, a changed type, and
what foreign keys took along. Where functions and triggers ran, where CASCADE took what depended on a type, or where a text was made
only when it ran, that is said; what it was is not known: name it with --objects table:core.play.

Without --tier the first way that is possible is taken, after asking.

$ dbadmin migrate rollback --to 20261121T093000 --dry-run
$ dbadmin migrate rollback --to 20261121T093000 --tier rescue --objects core.play.device_family
$ dbadmin migrate rollback --to 20261121T093000 --tier pitr --into /srv/restored`,
    options: [
      { flags: '--to <version>', summary: 'the version that is to be the newest; 0 for none' },
      { flags: '--tier <way>', summary: 'which way', choices: ['down', 'rescue', 'pitr'], fallback: 'the first possible' },
      {
        flags: '--objects <names>',
        summary: 'with rescue: only these, schema.table or schema.table.column; table:schema.table for one not listed',
        fallback: 'all that was lost',
        repeatable: true,
      },
      { flags: '--into <dir>', summary: 'with pitr: restore and start there; without it the command is printed' },
      { flags: '--port <port>', summary: 'with --into: port of the clone', fallback: 'a free one from 55432' },
      { flags: '--scratch <dir>', summary: 'with rescue: where the clone is made', fallback: 'where temporary files are' },
      { flags: '--repository <name>', summary: 'the repository to restore from', fallback: 'the cluster’s first' },
      {
        flags: '--accept-suspect',
        summary: 'with pitr: start from a suspect backup where no other serves: one that an audit casts doubt on',
      },
      { flags: '--no-count', summary: 'do not read the stored WAL to count what pitr would lose' },
      DRY_RUN,
      LOCK_WAIT,
      NO_RESTORE_POINT,
      NO_SCHEMA_FILE,
    ],
    json: [
      'database: name',
      'versions: array of { version, file, appliedAt, appliedBy, runId, restorePoint: { name, lsn } or null }, newest first',
      'stays: the version that stays the newest',
      'losses: array of { what, by, gone: whether what was dropped is missing now, else null, madeByRun: its restore point does not have it, run }',
      'unseen: array of { what, by }: through what more may have been lost, which the statements do not tell',
      'tiers: { down, rescue, pitr }, each { possible, why: array of sentences }',
      'pitrLoss: null, or { restorePoint, at, seconds, commits and otherCommits: of others with and without rows, inserted, updated, deleted, tables: array of { database, schema, table, inserted, updated, deleted }, own: { commits, inserted, updated, deleted }, lastCommit or null, untilLsn, behindBytes }',
      'tier: the way taken, or null',
      'rescued: null or array of { what, schema, table, rows, statements, note or null }',
      'done: null or as of migrate down',
      'command: with pitr, the words of the restore; restored: the directory, with --into',
    ],
    load: async () => await import('./rollback.ts'),
  },
];
