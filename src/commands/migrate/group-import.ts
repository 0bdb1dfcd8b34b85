import type { CommandSpec } from '../command.ts';

export const IMPORT_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'migrate import',
    summary: "take over another tool's history and files",
    description: `Reads the history table of node-pg-migrate (pgmigrations), Flyway, dbmate, golang-migrate, Sqitch or graphile-migrate, joins its
rows with the tool's files, shows what becomes of each, asks, and writes: a row in the history with the file's checksum, and the
file in sql/migrations. From then on migrate status, up and validate know them; what the other tool had not applied yet, up
applies. The other tool's table and files are only read. A second import adds what is new, or nothing.

Names get dbadmin's form and keep their numbers (V1.2 of Flyway becomes 0002_v1_2_…). Undo sections, .down.sql files and revert
scripts stand below -- dbadmin: down; BEGIN and COMMIT around a whole script are left out. Verify scripts become tests, and Flyway's
repeatable files (R__…) routines in sql/routines, where they can run again as they are. sql/migrations.lock is written. What has no
SQL that dbadmin could run, such as .js files, is recorded by its name alone. Refused, with what to do: a failed or dirty
row, a file that is not what its checksum says, a version that is taken.

$ dbadmin migrate import --dry-run
$ dbadmin migrate import --from flyway --dir db/migration
$ dbadmin migrate import --from dbmate --table app.schema_migrations`,
    options: [
      {
        flags: '--from <tool>',
        summary: 'whose history; found by its table unless given',
        choices: ['pgmigrations', 'flyway', 'dbmate', 'golang-migrate', 'sqitch', 'graphile-migrate'],
      },
      { flags: '--dir <directory>', summary: "where the tool's files are; found where it keeps them unless given" },
      { flags: '--table <name>', summary: 'its table, with a schema or without, when it is not the usual one' },
      { flags: '--dry-run', summary: 'show what would be written, and write nothing' },
    ],
    json: [
      'from: the tool',
      'table: its table, quoted',
      'imported: false with --dry-run or when there was nothing to do',
      'migrations: array of { source, version, file or null, kind: applied, baseline or pending, writes: the file is new, records: the row is new, appliedAt or null }',
      'routines: array of { source, name: schema/name, writes: the file is new, records: the row is new; else up applies it }',
      'tests: array of names of files made from verify scripts',
      'warnings: array of sentences',
    ],
    load: async () => await import('./import.ts'),
  },
];
