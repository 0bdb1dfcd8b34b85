import type { CommandSpec, OptionSpec } from '../command.ts';

const REPOSITORY: OptionSpec = { flags: '--repository <name>', summary: 'which repository of the configuration' };
const SYSTEM: OptionSpec = { flags: '--system-identifier <id>', summary: 'which cluster, where the repository has several of one name' };

export const RESTORE_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'restore',
    summary: 'restore a cluster to a moment, into a new directory',
    description: `Shows first what would be restored: the moment, the backup, the WAL, the last commit that comes back and the first that
does not, and what comes back from the dead: roles dropped, privileges revoked, passwords rotated and people forgotten since, as
the ledgers in the cluster's repositories have them; one that cannot be read, or does not answer for half a minute, is named and stops
nothing. With --reconcile they are taken away again, and roles.yaml is applied, while nobody else can connect; without it, and with
--start, the differences from roles.yaml and the migrations are named.

A time at which another timeline went on is refused where the newest one has left that since, because the cluster was restored to
an earlier moment or failed over: what was committed then lies on the other. --timeline says which one is meant.

The result is a clone that cannot harm the original: it archives nothing, follows nobody, runs no jobs and listens on loopback
only. Past a CREATE TABLESPACE that no backup has yet, where recovery would write into the original's own directory, no clone is
made. With --as production it goes on in the original's place instead, with its own configuration, on a new timeline; dbadmin
backup adopt is the next step then.

--delta goes over a stopped copy of the same cluster, or what an interrupted restore left: files that are as the backup has them
stay, the others are mended, what does not belong is deleted. With --as production that goes for a tablespace made after the
backup, too: the files in its own directory are deleted, and recovery makes them as they were at the moment.

Recovery takes as long as it takes. Interrupted in it, by Ctrl-C, SIGTERM or a session that ends, the server is stopped: alone it
would go on and open. pg_ctl start goes on with the recovery then; what was started with --reconcile stays shut, and is restored again
with --delta. Interrupted when all was taken away, it is not started. For no other reason is it stopped, nor once it is open: an
interruption then ends the comparison with the project, and says how to stop the cluster. Interrupted, the command ends with 130, also
where it reports a cluster that is open: what a script has after it, such as backup adopt, does not follow by itself. Where the server
cannot be watched any longer, the error says that it runs on.

--table copies tables as they were into a new schema of the original, through a throw-away cluster. People who were erased since then
may be in them: the ledger's are named, and with --reconcile they are erased there first, before anything is copied. --dump makes new
databases of a logical dump. Each is filled as "NAME (dbadmin restore 1a2b3c4d)" and gets its name, owner, settings and privileges in one
last step: a restore that is killed leaves nothing that looks done, and the next one names what it left. Until then whatever asks for
the database's name gets that one: pg_hba.conf has to let it in, a materialized view of current_database() holds it until it is
refreshed, and pg_cron, which one database alone may have by its name, is refused. With --into it makes no database: it lays down what
pg_dump wrote, DATABASE.dump of each and with --globals globals.sql, out of an encrypted repository too, for pg_restore and psql by hand: to
look into it, or to restore single objects. Whoever reads these files reads all of the databases: they are their owner's alone. Options that
such a restore does not act on are refused.

WAL in that copy which the repository has not, to its end, is never deleted: it is moved beside the directory, and the plan says where
to. Where there are commits in it, --to-latest is refused: dbadmin wal salvage stores them first, or --without-unstored-wal goes on
without them.

$ dbadmin restore --to "2026-11-21 14:03:07" --into /srv/restored --start
$ dbadmin restore --to "5 minutes ago" --into /srv/restored --start --reconcile
$ dbadmin restore --before-drop core.play --into /srv/restored --start
$ dbadmin restore --dump 20261121T203001Z-dump --into /srv/dump --databases shop
$ dbadmin restore --to-latest --into /var/lib/postgresql/18/main --as production --delta --start`,
    options: [
      {
        flags: '--into <dir>',
        summary: 'the new data directory, empty or absent; with --dump: the directory that gets its files, and no database is made',
      },
      { flags: '--to <time>', summary: 'a time: "2026-11-20 14:03:07+05:30", local without an offset, or "5 minutes ago"' },
      { flags: '--to-latest', summary: 'everything there is' },
      { flags: '--to-lsn <lsn>', summary: 'a position in the WAL' },
      { flags: '--to-xid <xid>', summary: 'a transaction' },
      { flags: '--to-name <name>', summary: 'a restore point' },
      { flags: '--before-drop <table>', summary: 'just before the last drop of schema.table was committed' },
      { flags: '--immediate', summary: 'the end of the backup, nothing more' },
      { flags: '--exclusive', summary: 'with --to, --to-lsn or --to-xid: stop just before the time, position or transaction' },
      { flags: '--timeline <n>', summary: 'recover along this timeline', fallback: 'the newest' },
      {
        flags: '--backup <label>',
        summary: 'start from this backup',
        fallback: 'the newest that serves, and is neither suspect nor found broken',
      },
      { flags: '--accept-suspect', summary: 'start from a suspect backup where no other serves: one that an audit casts doubt on' },
      {
        flags: '--tablespace-map <old=new>',
        summary: 'where a tablespace goes',
        fallback: 'below the data directory’s name, .tablespaces',
        repeatable: true,
      },
      {
        flags: '--action <what>',
        summary: 'at the target: promote, pause or shutdown; with --to-latest it is promoted',
        choices: ['promote', 'pause', 'shutdown'],
        fallback: 'promote',
      },
      { flags: '--as <what>', summary: 'clone, or production to go on in the place of the original', fallback: 'clone' },
      {
        flags: '--accept-unknown-original',
        summary: 'with --as production: go on where something answers at the original’s address that cannot be asked what it is',
      },
      { flags: '--delta', summary: 'go over a stopped copy of the same cluster, or an interrupted restore' },
      {
        flags: '--without-unstored-wal',
        summary: 'with --to-latest and --delta: go on without commits that only the cluster gone over has; its WAL is moved aside',
      },
      { flags: '--start', summary: 'start the clone and wait until it has recovered' },
      {
        flags: '--reconcile',
        summary:
          'take away again what comes back from the dead, before anyone can connect; with --table: erase people again before it copies',
      },
      { flags: '--replay-migrations', summary: 'with --reconcile: apply the migrations made since, too' },
      { flags: '--port <port>', summary: 'port of the clone', fallback: 'a free one from 55432' },
      {
        flags: '--without-ledger-entry <key>',
        summary: 'go on without an entry of the ledger that cannot be read, or without all those (damaged)',
        repeatable: true,
      },
      { flags: '--dry-run', summary: 'show what would be restored and end' },
      { flags: '--table <names>', summary: 'only these tables, schema.table, into the cluster of --into-url', repeatable: true },
      { flags: '--schema <name>', summary: 'with --table: the schema that gets them', fallback: 'a new one' },
      {
        flags: '--database <name>',
        summary: 'with --table or --before-drop: the database they were in',
        fallback: 'that of the connection',
      },
      { flags: '--dump <label>', summary: 'databases of this logical dump instead, each into a new database' },
      { flags: '--databases <names>', summary: 'with --dump: which', fallback: 'all', repeatable: true },
      { flags: '--name <old=new>', summary: 'with --dump: the name a database gets', fallback: 'with the dump’s moment', repeatable: true },
      {
        flags: '--globals',
        summary: 'with --dump: make the roles and tablespaces that are not there first; those that are stay as they are',
      },
      { flags: '--jobs <n>', summary: 'with --dump: how many tables at once' },
      { flags: '--spool <dir>', summary: 'where a dump or a throw-away cluster lies meanwhile', fallback: 'the temporary directory' },
      { flags: '--into-url <url>', summary: 'with --dump or --table: the cluster that gets them', fallback: 'that of the configuration' },
      REPOSITORY,
      SYSTEM,
    ],
    json: [
      'with --dump: dump: label; selection, leftOut: what the dump was asked for and what is missing in it, as backup dump has them, or null where it does not say; databases: array of { database, name }; returning: deeds of the ledger since the dump; unreadLedgers: array of { repository, problem }: other repositories of the cluster that may say of more; restored: { databases, globals } or null',
      '… databases: array of { database, name }, restored also with { hasProperties: whether the dump knows owner, privileges, settings and locale, notApplied: array of { statement, reason } that the server refused or that did not reach it, newSchemas: array, those made for the tables of a dump of single tables }',
      '… globals: { applied: statements, kept: { roles, tablespaces }: names that were there, leftOut: statements not run, because they give something to a role that was there }, or null',
      'with --dump and --into: dump, selection, leftOut, returning, unreadLedgers: as with --dump; directory; files: array of { database: or null for roles and settings, file, format: custom, directory or plain }; restored: boolean',
      'with --table: tables: array of { from, to, rows, renamed: array of { from, to }, indexes whose name was taken }; target; returning: array of { kind, text, at, lsn, timeline, by }: people erased since, who may come back; withoutEntries: array of { key, problem }; unreadLedgers: as with --dump; reconciled: array of { kind, text, outcome } or null; returningIfRenamed: array as returning, people erased in a database that there was not at that moment, which the one restored from may be under a later name, or null where nothing was restored; restored: boolean',
      'preflight: { target, at: the time asked for or null, timeline, dataDirectory, port, backup, cluster: its name in the repository, systemIdentifier, proof, brokenAside: array of { label, verification }: newer backups that it is not restored from, since a verification found that they do not restore whole, suspicion: as in backup list or null, lackingConfiguration: array of sentences: what of the configuration the backup has not, expected: { spanMs, drill, drilledAt, because } or null where no drill measured it, end, neededFrom, neededUntil, availableUntil, before, after, left: array of { timeline, partingLsn, commits, from, to }: commits up to the moment that other timelines have, totalBytes, walBytes, freeBytes: where the data directory lies, rooms: array of { directory, neededBytes, freeBytes }: each filesystem that is written to, overwrites or null, unstoredWal: { stretches: array of { timeline, segments, fromLsn, untilLsn }, commitsFrom: time or null, holdsCommits, storedLsn: where the repository ends or null, sizeBytes, movedTo } or null, staleConfiguration: { files, movedTo } or null: configuration beside a production that the backup has not, replayedTablespaces: array of { location, directory, isThere, isRemoved }: those that the recovery of a production makes, returning: array of { kind, text, at, lsn, timeline }, withoutEntries: array of { key, problem }, unreadLedgers: array of { repository, problem }: other repositories of the cluster that may say of more that comes back }',
      'restored: { dataDirectory, port, state, interrupted: whether it was interrupted meanwhile, and stands as state says, timeline, tookMs, reusedBytes, madeFiles: array of configuration files that are not in the backup and were written plain, removal: the shell words that throw a clone away, or null } or null with --dry-run',
      'reconciled: { ledger: array of { kind, text, outcome, and owned: array of lines where a role that was dropped is left-as-owner }, roles: array of lines or null, migrations: array of names or null, migrationsReplayed: whether those were applied } or null',
      'differs: { roles, migrations } as in reconciled, when the clone was started without --reconcile; else null',
    ],
    load: async () => await import('./restore.ts'),
  },
  {
    name: 'backup ledger list',
    isDefault: true,
    summary: 'what was taken away from the cluster, and would come back with a restore',
    options: [REPOSITORY, SYSTEM],
    json: [
      'repository: name',
      'entries: array of { kind, text, at, lsn, timeline, by }, oldest first',
      'damaged: array of { key, problem }: entries that cannot be read',
    ],
    load: async () => await import('./ledger-list.ts'),
  },
  {
    name: 'backup ledger add',
    summary: 'write down what was taken away, so that no restore brings it back unnoticed',
    description: `Written into every repository of the cluster, after the deed. The kinds and what they take:

  role-dropped ROLE · role-disabled ROLE (no login, no password) · membership-revoked MEMBER ROLE ·
  privilege-revoked GRANTEE PRIVILEGE[,…] OBJECT · password-rotated ROLE · subject-forgotten SCHEMA.PROCEDURE [ARGUMENT …] ·
  migration-applied VERSION FILE · migration-undone VERSION FILE

An object is schema.table, or schema:NAME, database:NAME, sequence:SCHEMA.NAME, all-tables:SCHEMA, function:SCHEMA.NAME(TYPES). For a
password the verifier is read from the cluster and kept only where the repository is encrypted; elsewhere --reconcile
takes the login away instead.

$ dbadmin backup ledger add role-dropped svc_old
$ dbadmin backup ledger add privilege-revoked svc_loader UPDATE core.play
$ dbadmin backup ledger add subject-forgotten core.forget 71 --subject "listener 71"`,
    args: [
      { form: '<kind>', summary: 'what was done' },
      { form: '[words...]', summary: 'to whom, as above' },
    ],
    options: [
      REPOSITORY,
      { flags: '--database <name>', summary: 'where it was done', fallback: 'the database of the connection' },
      { flags: '--subject <text>', summary: 'who was forgotten, for people', fallback: 'the call' },
    ],
    json: ['entry: { kind, text, at, lsn, timeline, by }', 'repositories: array of { repository, stored or error }'],
    load: async () => await import('./ledger-add.ts'),
  },
  {
    name: 'backup adopt',
    summary: 'take a cluster restored as production under care again: timeline, slot, first backup',
    description: `Looks at the cluster that runs now: that the repository knows it, that its timeline is the newest and continues what is
stored, whether a slot and a backup on that timeline are there. Then makes what is missing, and prints what is left to do by hand.
Every step can be repeated; done ones are passed over. A repository that is away, lost with the host perhaps, does not stop the others.
Ends with 3 then, and where the first backup is damaged or a repository has none.

$ dbadmin backup adopt --dry-run
$ dbadmin backup adopt`,
    options: [REPOSITORY, { flags: '--dry-run', summary: 'show the steps and end' }],
    json: [
      'timeline: number',
      'systemIdentifier: text',
      'steps: array of { step: repository (one that is away), timeline, slot, backup, receiver, configuration (still that of a clone), archiving or standbys, state: done, made, by-hand or to-do (shown with --dry-run, or a backup that came out damaged), text }',
    ],
    load: async () => await import('./adopt.ts'),
  },
];
