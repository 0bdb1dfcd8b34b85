import type { CommandSpec } from '../command.ts';

export const FIND_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'wal find',
    summary: 'find the moment: when a table was dropped, emptied or lost rows, or what was committed or marked between two times',
    description: `Reads the stored WAL, not the server: it works when the server is gone. Which table a name meant is read from the backups and
followed through the WAL, so tables made, renamed or rewritten since are found too, and databases. What happened before the oldest backup ended
cannot be found. Between two times, a clock that was set by more than an hour may hide something. The position given is that of the commit, and of its first record for DROP DATABASE, which deletes before it commits:
dbadmin restore --to-lsn LSN --exclusive stops just before it.

$ dbadmin wal find --drop core.play
$ dbadmin wal find --mass-delete core.play --rows 1000
$ dbadmin wal find --commits-between "2026-11-21 14:00" "2026-11-21 14:05"
$ dbadmin wal find --restore-points "2 weeks ago"`,
    args: [{ form: '[until]', summary: 'with --commits-between and --restore-points: the end' }],
    options: [
      { flags: '--drop <table>', summary: 'when schema.table was dropped' },
      { flags: '--truncate <table>', summary: 'when schema.table was truncated' },
      {
        flags: '--mass-delete <table>',
        summary: 'transactions that deleted many rows of schema.table, truncated it, or dropped or detached a partition',
      },
      { flags: '--rows <n>', summary: 'with --mass-delete: how many at least', fallback: '1000' },
      { flags: '--commits-between <from>', summary: 'commits from this time to the one that follows' },
      { flags: '--restore-points <from>', summary: 'restore points set from this time to the one that follows' },
      { flags: '--limit <n>', summary: 'of commits or restore points: how many at most', fallback: '1000' },
      { flags: '--database <name>', summary: 'the database of the table', fallback: 'that of the connection' },
      { flags: '--timeline <n>', summary: 'along this timeline', fallback: 'the newest' },
      { flags: '--repository <name>', summary: 'which repository of the configuration' },
      { flags: '--system-identifier <id>', summary: 'which cluster, where the repository has several of one name' },
    ],
    json: [
      'repository, timeline: where it was looked',
      'found: array of { kind: dropped, truncated, deleted, partition-dropped, partition-detached, commit or restore-point, xid (name of a restore point), lsn, endLsn, time, rows (deleted only), partitions: array of schema.table (of partitions only), prepared }',
      'others: array of the same with the other kinds, created, renamed and rewritten among them: what else happened to the table',
      'more: how many more commits or restore points there are than were asked for',
    ],
    load: async () => await import('./find.ts'),
  },
];
