import type { CommandSpec, OptionSpec } from '../command.ts';

const REPOSITORY: OptionSpec = { flags: '--repository <name>', summary: 'which repository of the configuration' };
const SYSTEM: OptionSpec = { flags: '--system-identifier <id>', summary: 'which cluster, where the repository has several of one name' };

export const BACKUP_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'backup init',
    summary: 'make the repositories of a cluster ready; never overwrites',
    options: [REPOSITORY],
    json: ['repositories: array of { name, description, made, encryption: none or aes-256-gcm }'],
    load: async () => await import('./init.ts'),
  },
  {
    name: 'backup check',
    summary: 'everything a backup needs, tried now; each problem with the SQL or line that mends it',
    options: [REPOSITORY],
    json: ['findings: array of { what, state: ok, note or problem, detail, fix }'],
    load: async () => await import('./check.ts'),
  },
  {
    name: 'backup run',
    summary: 'take a backup now: incremental where there is one to build on',
    description: `Reads over one replication connection what changed since the newest backup that all repositories have (PostgreSQL 17 and
newer with summarize_wal on; elsewhere everything is read and compared), with the WAL from its start to its end. Every backup restores on
its own. It exists once its manifest is written, last; a run that dies leaves nothing that looks like one.

Configuration files that lie outside of the data directory or are links in it, and what they include, are read over the ordinary connection. A role that is
no superuser needs for them, in the database it connects to, membership in pg_read_all_settings and pg_read_server_files, and EXECUTE on pg_read_binary_file(text) and
pg_ls_dir(text, boolean, boolean). What could not be read is named as not in the backup, with the GRANT.

--type full reads everything and compares it, page by page, with what the repository pieced together from incremental ones. Pages that changed
without a trace in the WAL are named, exit 3; the next step is backup acknowledge. What earlier backups stored and this one needs, too, is read back
in each repository; what is damaged there is stored anew.

Exit 4: the backup is taken everywhere, and older ones did not expire, or what only they needed was not freed.

$ dbadmin backup run
$ dbadmin backup run --type full --repository offsite --max-rate 50MB`,
    options: [
      { ...REPOSITORY, summary: 'only into this repository', repeatable: true },
      {
        flags: '--type <type>',
        summary: 'full, or incremental where possible',
        choices: ['full', 'incremental'],
        fallback: 'incremental',
      },
      { flags: '--level <n>', summary: 'how hard zstd compresses, 1 to 19', fallback: '1' },
      { flags: '--max-rate <size>', summary: 'the most to read in a second, such as 50MB' },
      { flags: '--spread-checkpoint', summary: 'begin with a gentle checkpoint, which takes minutes, instead of one at once' },
    ],
    json: [
      'backups: array of { repository, summary as in the manifest, or error, expired: { error }, only where older ones were to go and did not, or their content }',
    ],
    load: async () => await import('./run.ts'),
  },
  {
    name: 'backup list',
    summary: 'the backups of a cluster',
    options: [REPOSITORY, SYSTEM],
    json: [
      'repository: name',
      'backups: array of the manifests’ summaries, oldest first, each with proven: the last drill that passed on it { label, finishedAt, … } or null, as also while one that failed on it stands, brokenBy: label of a verification that found that it does not restore whole, or null, holds: array of { reason, until or null, placedAt, by }, and suspicion: { audit: label, pages, emptied: those of them that are all zeros now, isClusterWrong: whether these show that the cluster lost them, kind: earlier, audited, later or wrong, reason: what was found or null, why: in words } or null',
      'unjudged: array of { audit, comparedWith, pages, files, causes: array of { pages, files, paths, reason, wayOut } }: pages that nobody could judge, of each backup (audit) that has such, was compared with one that is still there, and was not acknowledged',
      'damaged: array of { key, problem }: manifests that cannot be read, and are passed over',
    ],
    load: async () => await import('./list.ts'),
  },
  {
    name: 'backup info',
    summary: 'what can be restored: windows, WAL and gaps',
    options: [REPOSITORY, SYSTEM],
    json: [
      'repository: name',
      'systemIdentifier: text',
      'damaged: array of { key, problem }: manifests that cannot be read, and are passed over',
      'windows: array of { backup, timeline, fromLsn, toLsn, from, to } (from: when the backup ended, by the clock of the server where that of the tool was behind; to: the last moment the WAL is known to cover, or null)',
      'timeline: the one that goes on; windows are along it',
      'timelines: array of { timeline, parent: { timeline, switchLsn } or null, stretches: array of { from, to or null, toLsn }: moments each of which can be restored }, ascending',
      'gaps: array of { timeline, fromLsn, toLsn, reason: why, or hole where nobody noted it, noticedAt or null, from, to: the moments on either side that can be restored, or null }',
      'wal: { segmentBytes, timelines: array of { timeline, runs: array of { fromLsn, toLsn, segments } without a hole, open: array of { segment, fromLsn, toLsn } stored in part, horizon: { lsn, at }: everything before was here then, or null } }',
      'mismatches: array of { audit, comparedWith, pages, emptied, isClusterWrong: as in backup list, earlier: labels, later: labels } that audits found and nobody has acknowledged',
      'unjudged: as in backup list',
      'dumps: labels, oldest first; parts: those of definitions or single tables only',
      'drills: array of { label, finishedAt, backup, verdict }, oldest first, with those that sync copied from another repository',
      'drill, lastPassedDrill: the last that restored from this repository, and the last of those that passed, or null; unsettledDrill: the newest that failed and that no later one has settled, or null',
      'verified: { label, finishedAt, extent, isSound, faults }: the newest that found something which no later one has looked at again, else the last; or null',
    ],
    load: async () => await import('./info.ts'),
  },
  {
    name: 'backup dump',
    summary: 'dump databases with pg_dump into the repository',
    description: `One object per database, which pg_restore alone can read, in pg_dump's custom format or, with --format directory, as a tar archive of its directory format; the roles and settings as SQL (without
passwords), and a manifest with sizes and hashes, what was asked for, and of each database owner, privileges, settings, encoding and locale. Works where replication is refused. Needs pg_dump of the server's major or newer on this machine, found by version.

It goes into one repository: the first of the cluster, or that of --repository. A policy's dump is run once for each of its repositories, and backup run writes into all at
once; repository sync copies a dump to the others. A connection through a pooler in transaction or statement mode is refused.

A database that should be in it and cannot be dumped, such as one that the role may not connect to, is named and written down in the manifest; exit 3. Dumps with
--schema-only or --table are parts: they are no younger dump to backup check and status, and retention counts them apart.

--format directory dumps several tables of a database at once, --jobs of them, over one connection each and one more, all of one snapshot: see max_connections and the
connection limits of role and database, and connect to the server itself, not to a pooler in transaction mode. With more than one
job it fails where somebody waits for a table with ACCESS EXCLUSIVE, as ALTER TABLE does. The directory lies in --spool until it is stored, one database at a time; in an encrypted repository it takes that room twice.

$ dbadmin backup dump
$ dbadmin backup dump --format directory --jobs 4 --spool /srv/spool
$ dbadmin backup dump --database app --database audit --schema-only
$ dbadmin backup dump --exclude-database scratch`,
    options: [
      REPOSITORY,
      {
        flags: '--database <name>',
        summary: 'dump this database',
        fallback: 'every one that is no template and not of the provider of a managed server',
        repeatable: true,
      },
      { flags: '--exclude-database <name>', summary: 'dump all but this one', repeatable: true },
      { flags: '--table <pattern>', summary: 'only tables of this pattern, as pg_dump --table has it', repeatable: true },
      { flags: '--schema-only', summary: 'definitions without rows' },
      {
        flags: '--format <format>',
        summary: 'custom, one file; or directory, which several connections write at once',
        fallback: 'custom',
      },
      { flags: '--jobs <n>', summary: 'with --format directory: how many tables at once', fallback: '1' },
      { flags: '--spool <dir>', summary: 'where a dump lies until it is stored', fallback: 'the temporary directory' },
    ],
    json: [
      'repository: name',
      'label, cluster, systemIdentifier, serverVersion, programVersion, tool, startedAt, finishedAt: as in the manifest',
      'selection: { databases: all or names, excluded: names, schemaOnly, tables: patterns }; leftOut: array of { database, reason: not-asked, excluded, template, provider (of who runs a managed server), no-privilege, no-connections or drop-interrupted }: every database that was there and is not in it',
      'globals: { key, sizeBytes, blake3, sha256 }',
      'databases: array of { database, format: directory, missing where it is custom, properties: { encoding, locale, owner, privileges, connectionLimit, comment, settings }, key, sizeBytes, blake3, sha256, startedAt, finishedAt }',
      'warnings: array of { database, text }: what pg_dump said of a database that it dumped, such as what it left out of it',
      'expired: { error }, only where older ones were to go and did not',
    ],
    load: async () => await import('./dump.ts'),
  },
  {
    name: 'wal receive',
    summary: 'stream WAL into the repositories, until stopped',
    description: `Streams from a replication slot, which is made when it is not there, so the server keeps what is not stored yet. The
server is told that WAL is safe only when every repository has it. Bytes of the open segment are stored every --rpo.

A slot that nobody reads fills the server's disk: --drop-slot gives it up.`,
    options: [
      REPOSITORY,
      { flags: '--rpo <duration>', summary: 'how long received WAL may wait to be stored', fallback: '5s' },
      { flags: '--allow-synchronous', summary: 'run even where synchronous_standby_names would wait for us' },
      { flags: '--drop-slot', summary: 'drop the slot and end' },
      { flags: '--serve <socket>', summary: 'also answer wal push and wal get of this machine here, see wal client' },
    ],
    json: ['slot: name', 'storedLsn, timeline: how far it got', 'end: stopped, server-shutdown or dropped'],
    load: async () => await import('./wal-receive.ts'),
  },
  {
    name: 'wal get',
    summary: 'fetch a WAL file, for restore_command',
    description: `Exit 0: fetched. The absent code (1 unless given): proven absent, the end of the archive. 126: anything else, on which
recovery stops instead of promoting a cluster that is cut short. As Node itself exits 1 when it cannot run, use it through sh:

$ restore_command = 'dbadmin wal get --config /etc/dbadmin.yaml --absent-code 44 %f %p; c=$?; [ $c = 0 ] && exit 0; [ $c = 44 ] && exit 1; exit 126'`,
    args: [
      { form: '<file>', summary: 'name of the segment or history file (%f)' },
      { form: '<path>', summary: 'where to write it (%p)' },
    ],
    options: [
      REPOSITORY,
      SYSTEM,
      { flags: '--absent-code <code>', summary: 'exit status for a file proven absent', fallback: '1' },
      { flags: '--prefetch <n>', summary: 'how many of the next segments to fetch, too, beside <path>', fallback: '4' },
    ],
    failureStatus: 126,
    load: async () => await import('./wal-get.ts'),
  },
];
