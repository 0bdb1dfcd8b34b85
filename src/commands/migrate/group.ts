import type { CommandSpec } from '../command.ts';
import { IMPORT_COMMANDS } from './group-import.ts';
import { MIGRATE_TEST_COMMANDS } from './group-test.ts';

const POLICY_OPTIONS = [
  { flags: '--out-of-order', summary: 'accept files that come before ones already applied' },
  { flags: '--allow-missing', summary: 'go on although files of applied versions are gone' },
];

export const MIGRATE_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'migrate up',
    isDefault: true,
    summary: 'apply pending migrations, then changed routines',
    description: `Checks every file and the history first: a file that is not SQL, changed after it was applied, gone or out of order stops the run
before anything is touched. Then it takes the database's migration lock, sets a restore point, applies the pending files of
sql/migrations in order, each in a transaction of its own together with its row in the history, and all changed files of
sql/routines in one transaction. Several runs at once are fine: one works, the others wait and find nothing to do.

A routine whose result, columns or kind changed is dropped and made anew, with the views, routines, triggers and indexes on it that
files of sql/routines make; anything else that needs it, or is not made again, is named and nothing is changed. Privileges, owners and comments
that DROP and CREATE would lose are given back right after the CREATE, in versioned files too. Before the last commit the bodies of all
routines are checked, those in PL/pgSQL by plpgsql_check where that extension is installed: what the run would break fails it.

A file may begin with directives, each on a line of its own: -- dbadmin: no-transaction, and so with lock-timeout 2s,
statement-timeout 1h, allow <rule> -- reason, irreversible, requires <version>. What follows a line -- dbadmin: down is kept for undoing and not run.

With no-transaction each statement runs on its own and has its own row: an interrupted file goes on after the last good one.
VACUUM, CALL, DO, CLUSTER and REINDEX that were cut off or lost a lock run again, so they must bear it; an index left INVALID is dropped and built anew.

Waiting for a lock ends after 3 s (migrate.lock_timeout) so that nobody queues behind the migration; the file is then tried
again, up to 10 times, and who holds the lock is named. A file that kept others from reading or writing says which table, and
for how long; the history keeps that too.

Where the cluster has repositories, the run waits up to 10 s until the restore point can be restored to from each that must have
the WAL, or says why it cannot yet; what was applied is written into their ledger for restore --reconcile. It warns of what it
may have to wait for, and when the last drill that passed is older than limits.drill_age of the policy.

A run that changed something writes sql/migrations.lock, and sql/schema.sql where there is a pg_dump of the server's major or newer:
commit both. On a deployment that has no use for them: --no-schema-file.

$ dbadmin migrate
$ dbadmin migrate up --lock-wait 30m
$ dbadmin migrate up --plan change-42.plan
$ dbadmin migrate up --require-backup 12h`,
    options: [
      ...POLICY_OPTIONS,
      { flags: '--plan <file>', summary: 'apply what plan --out saved, or refuse when it would be anything else by now' },
      { flags: '--lock-wait <span>', summary: 'how long to wait for another run', fallback: '5m' },
      { flags: '--no-restore-point', summary: 'set no restore point' },
      { flags: '--no-schema-file', summary: 'leave sql/schema.sql and sql/migrations.lock as they are' },
      { flags: '--require-backup [span]', summary: 'refuse unless a restorable backup is younger than this; 24h without a span' },
    ],
    json: [
      'database: name',
      'runId: UUID of the rows in the history, or null when there was nothing to do',
      'versioned: array of { version, file, statements, attempts, lockWaitMs, tookMs, locks: array of { relation, mode, heldMs } on tables that were there before }, in the order applied',
      'routines: array of { name: schema/name, change: new, changed, or remade: its file is the same and what it makes had to go for another }',
      'routineLocks: array of { relation, mode, heldMs }: held by the transaction of the routines, as locks of versioned',
      'restorePoint: { name, lsn, timeline, archived: true, false or null when nobody looked, repositories: those it can be restored from, reasons: why not from the others }, or null when none was set',
      'warnings: array of sentences',
    ],
    load: async () => await import('./up.ts'),
  },
  {
    name: 'migrate status',
    summary: 'what is applied, pending, changed, missing or out of order',
    description: `Compares every file with the history, checksums included. Changes nothing, and works on a standby.

$ dbadmin migrate status --exit-code
$ dbadmin migrate status --body 20261121T093000 > sql/migrations/20261121T093000_add_plays.sql`,
    options: [
      { flags: '--all', summary: 'list applied files too, not only the last five' },
      { flags: '--exit-code', summary: 'exit 2 when anything is pending or in disagreement' },
      { flags: '--body <version>', summary: 'print the text that was applied as this version' },
    ],
    json: [
      'database: name',
      'migrations: array of { version, file, state: applied, pending, begun, changed or missing, appliedAt or null, appliedBy or null }',
      'routines: array of { name, state: applied, new, changed or missing }',
      'counts: { applied, pending, changed, missing, routines: pending ones }',
      'problems: array of { code, message, detail or null, hint or null } that would stop `up`',
      'warnings: array of sentences',
    ],
    load: async () => await import('./status.ts'),
  },
  {
    name: 'migrate history',
    summary: 'who applied what, when, how long it took and what it kept others from',
    description: `The rows of the history, the newest first: files, routines, seeds, baselines, undone versions and decisions with their reasons. Of a
no-transaction file each statement has a row. Changes nothing, and works on a standby.

$ dbadmin migrate history
$ dbadmin migrate history --limit 500`,
    options: [{ flags: '--limit <n>', summary: 'how many rows', fallback: '50' }],
    json: [
      'database: name',
      'total: rows of the history',
      'entries: array, newest first, of { runId, kind: versioned, routine, seed, baseline, repair or down, version or null, name, statement: number or null, startedAt, finishedAt or null, tookMs or null, attempts, lockWaitMs, appliedBy, toolVersion, gitCommit or null, restorePoint: { name, lsn, timeline or null } or null, locks: array of { relation, mode, heldMs }, reason or null }',
    ],
    load: async () => await import('./history.ts'),
  },
  {
    name: 'migrate plan',
    summary: 'each statement that up would run: its lock, whom that stops, what it does with how many rows',
    description: `Reads the files, the history and the catalog and says of each pending statement which table it locks most strongly, whether reads or
writes wait for that, whether rows are read, an index is built or the table is written anew, and how large the table is (rows as of the
last ANALYZE). What DO blocks run is looked into. Times come from the last rehearsal of this database, where there was one. Warnings are
those of dbadmin migrate lint. Changes nothing.

Of a changed routine it also says when the one in the database is not what was applied: applying the file would undo that change.

With --out the plan is saved. dbadmin migrate up --plan applies exactly it, or refuses and says what moved: the history, a file, the
server, or the definition of a table that a statement locks.

Exit 0 when nothing is pending, 2 when something is, 1 when up would refuse.

$ dbadmin migrate plan
$ dbadmin migrate plan --diff
$ dbadmin migrate plan --out change-42.plan`,
    options: [
      ...POLICY_OPTIONS,
      { flags: '--diff', summary: 'show how changed routines differ from what is applied' },
      { flags: '--out <file>', summary: 'save the plan for up --plan' },
    ],
    json: [
      'database: name',
      'versioned: array of { version, file, path, transaction: false with no-transaction, sql: the text of the file, its first 200,000 characters, statements: array of { number, line, command, object or null, text, done: true when an interrupted run finished it, effects, opaque: true when it may lock more than can be known, expectedMs: of the last rehearsal or null, findings } }',
      '… effects: array of { relation, lock: AccessShare to AccessExclusive, blocks: reads+writes, writes or nothing, work: none, scan, build or rewrite, assumed: why the worst is assumed or null, isNew: made by the same file, rows: estimate or null, sizeBytes or null }, those on tables that were there first, then by strength',
      'routines: array of { name, path, change: new or changed, sql: as of versioned, diff: array of lines, effects, drift: array of { signature, kind: altered or gone, diff } where the database has another body than was applied }',
      'findings: array of findings as migrate lint has them',
      'forecast: what will be blocked, and for how long: { source: rehearsal, locks or both, rehearsedAt or null, longestMs: measured or null, blocks: array of { file, table, blocks: reads+writes or writes, lock, statement, line, ms or null, work or null, sizeBytes or null }, the worst first, sentence }; null when nothing is pending',
      'restorePoint: { name } that would be set, or { obstacle: why none would }; null when nothing is pending',
      'rehearsal: { at, backup, moment } of the rehearsal that the times come from, or null',
      'backup: { label, repository, at, provenAt: when a drill last passed or null }, the newest that can be restored; null when there is none or nothing is pending',
      'savedIn: the file of --out, or null',
      'warnings: array of sentences',
    ],
    load: async () => await import('./plan.ts'),
  },
  {
    name: 'migrate new',
    summary: 'make an empty migration file',
    description: `Makes sql/migrations/<UTC time>_<name>.sql, later than any that is there, and prints its path.

$ dbadmin migrate new add_device_family
$ dbadmin migrate new index_device_family --no-transaction`,
    args: [{ form: '<name...>', summary: 'what it does, in a few words' }],
    options: [{ flags: '--no-transaction', summary: 'for CREATE INDEX CONCURRENTLY and the like' }],
    json: ['file: absolute path', 'version: the UTC time in its name'],
    load: async () => await import('./new.ts'),
  },
  {
    name: 'migrate validate',
    summary: 'check every file, and the applied ones against the history',
    description: `Parses all migrations and routines with PostgreSQL's own parser and reports every problem at once with file, line and column.
Compares them with sql/migrations.lock, and applied files with the history unless --offline.

$ dbadmin migrate validate --offline`,
    options: [
      { flags: '--offline', summary: 'files only: no database' },
      { flags: '--write-lock', summary: 'list the files anew in sql/migrations.lock' },
      ...POLICY_OPTIONS,
    ],
    json: [
      'migrations: how many files',
      'routines: how many files',
      'database: whether the history was compared',
      'warnings: array of sentences',
    ],
    load: async () => await import('./validate.ts'),
  },
  ...IMPORT_COMMANDS,
  ...MIGRATE_TEST_COMMANDS,
];
