import type { CommandSpec } from '../command.ts';
import { SCRATCH_OPTION } from './scratch-option.ts';

const LOCK_WAIT = { flags: '--lock-wait <span>', summary: 'how long to wait for another run', fallback: '5m' };
const DIFFERENCES = 'array of { change: added, removed or changed, type, name, diff: array of lines }';

/** What the schema is, what it should be, and how the history is set right. */
export const MIGRATE_SCHEMA_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'migrate dump',
    summary: 'write the live schema to sql/schema.sql',
    description: `Writes what the database holds now as canonical SQL: by pg_dump of the server's major or newer, without owners, privileges (both are
for roles/roles.yaml), tablespaces, subscriptions and dbadmin's own history, and without anything that differs between two runs or
two programs. up does the same after each run that changed something, where there is such a pg_dump; commit the file, and a
review shows what a migration makes of the schema.

$ dbadmin migrate dump
$ dbadmin migrate dump --stdout | less`,
    options: [{ flags: '--stdout', summary: 'print it and write no file' }],
    json: [
      'file: absolute path',
      'database: name',
      'major: of the server',
      'objects: how many',
      'changed: whether the file was another one',
    ],
    load: async () => await import('./dump.ts'),
  },
  {
    name: 'migrate verify',
    summary: 'replay all files on an empty server and compare: drift by object',
    description: `Applies all migrations and routines to an empty scratch server, which listens on no network and is removed afterwards, and compares
what they make with sql/schema.sql; with --live with the database too, which is only read. Differences are told by object (table,
column, constraint, index, function, view, trigger, type, policy …); how a statement is written does not count. Roles that the
files name are made on the scratch server.

The scratch server is made of programs on this machine, of the major of the database with --live, else of sql/schema.sql. Name a
server that is not production with --scratch where the files need extensions that are not on this machine. A pg_dump of that
major or newer is needed. Exit 2 when something differs.

$ dbadmin migrate verify
$ dbadmin migrate verify --live`,
    options: [
      { flags: '--live', summary: 'compare with the database as well' },
      { flags: '--major <number>', summary: 'replay on this major' },
      { flags: '--seed <environment>', summary: 'put these seeds in afterwards, to see that they run' },
      SCRATCH_OPTION,
    ],
    json: [
      'migrations: how many were replayed',
      'routines: how many were replayed',
      'seeds: how many were put in',
      'major: of the scratch server',
      `schemaFile: { file, differences: ${DIFFERENCES} from the file to what is made }, or null without the file`,
      `live: { database, major, differences: the same from what is made to the database }, or null without --live`,
    ],
    load: async () => await import('./verify.ts'),
  },
  {
    name: 'migrate baseline',
    summary: 'take a database that is there already into the history',
    description: `Records all files up to VERSION as applied, running none of them: for a database that has what they make. It is compared first: the
files are replayed on an empty scratch server (see migrate verify), and any difference to the live schema is listed and refused.
With --force nothing is compared and a reason is kept. Refused where there is a history already. Routines are applied by the next up.

$ dbadmin migrate baseline 20261121T093000
$ dbadmin migrate baseline 20261121T093000 --force -- the indexes of 2019 stay by hand`,
    args: [
      { form: '<version>', summary: 'the newest file that the database has' },
      { form: '[reason...]', summary: 'why, after --' },
    ],
    options: [{ flags: '--force', summary: 'compare nothing; a reason is needed' }, SCRATCH_OPTION, LOCK_WAIT],
    json: [
      'database: name',
      'runId: UUID of the rows in the history',
      'versions: array of versions recorded',
      'compared: false with --force',
    ],
    load: async () => await import('./baseline.ts'),
  },
  {
    name: 'migrate repair',
    summary: 'set the history right, or mend INVALID indexes',
    description: `Without options it lists the indexes that interrupted builds left INVALID and, after asking, rebuilds each beside running work (REINDEX
CONCURRENTLY), or drops what REINDEX CONCURRENTLY itself left. With one of --accept, --forget and --undone it writes a decision about one version
into the history, with its reason; the database itself is not touched, and no row is ever changed.

$ dbadmin migrate repair
$ dbadmin migrate repair --accept 20261121T093000 -- a typing error in a comment of a function
$ dbadmin migrate repair --forget 20261120T080000 -- squashed into the file of the 21st
$ dbadmin migrate repair --undone 20261121T094500 -- dropped both indexes by hand`,
    args: [{ form: '[reason...]', summary: 'why, after --' }],
    options: [
      { flags: '--accept <version>', summary: 'the file as it is now counts as what was applied' },
      { flags: '--forget <version>', summary: 'the version does not count as applied any more; only when its file is gone' },
      { flags: '--undone <version>', summary: 'a no-transaction file that was begun begins again: what it did was undone by hand' },
      { flags: '--drop-invalid', summary: 'drop INVALID indexes instead of building them anew' },
      LOCK_WAIT,
    ],
    json: [
      'kind: accept, forget, undone or indexes',
      'version, outcome, reason, runId: of the decision; null for indexes',
      'indexes: array of { index, did: rebuilt, dropped or failed, failure or null }',
    ],
    load: async () => await import('./repair.ts'),
  },
  {
    name: 'migrate rebase',
    summary: 'give files that come too early a version of now',
    description: `Renames the pending files that come before one already applied, which up refuses, so that they come last and keep their order, and
writes sql/migrations.lock. For files that came with a merge and are applied nowhere yet.

$ dbadmin migrate rebase`,
    json: ['renamed: array of { from, to: file names, version }'],
    load: async () => await import('./rebase.ts'),
  },
];
