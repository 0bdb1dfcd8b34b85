import type { CommandSpec } from '../command.ts';

export const REHEARSE_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'migrate rehearse',
    summary: 'run what is pending on a clone restored from a backup, and measure locks, rewrites, WAL and time',
    description: `Restores the last backup into a scratch directory, starts it where nobody else can reach it, and runs the pending files and changed
routines there exactly as up runs them: as the role of the configuration, in the database of that name. Then it reports for each statement the
locks it took, whom they block and for how long (to the commit), tables, indexes and TOAST written anew, rows, WAL and time; and for each file
the longest that readers and writers of a table would have waited. It needs nothing but the repository: the cluster itself is not asked and may
be down. Everything is removed again.

Locks of a transaction are exact. VACUUM, DO, CALL and whatever else runs without one are looked at every few milliseconds; a shorter lock can
escape. Times are those of this machine, WAL is that of a server right after a checkpoint.

With --max-block a file that keeps anybody from a table for longer fails the rehearsal, with the statement and the safe way. The result is
kept in the state directory, where migrate plan finds it, and --last shows it again. Exit 0: all ran, within the limit. Exit 3: all ran, and something was over the limit.
Exit 1: a file failed, as it would fail in production.

$ dbadmin migrate rehearse --max-block 2s
$ dbadmin migrate rehearse --to now --report rehearsal.json
$ dbadmin migrate rehearse --last --max-block 500ms`,
    options: [
      { flags: '--max-block <span>', summary: 'the longest that readers or writers of a table may wait, such as 2s' },
      {
        flags: '--to <time>',
        summary: 'roll forward: now for the newest WAL there is, or a time as restore takes it',
        fallback: 'the end of the backup',
      },
      { flags: '--backup <label>', summary: 'restore this backup', fallback: 'the newest that serves' },
      { flags: '--repository <name>', summary: 'which repository of the configuration' },
      { flags: '--system-identifier <id>', summary: 'which cluster, where the repository has several of one name' },
      { flags: '--out-of-order', summary: 'accept files that come before ones already applied' },
      { flags: '--allow-missing', summary: 'go on although files of applied versions are gone' },
      {
        flags: '--scratch <dir>',
        summary: 'where the clone is laid down',
        fallback: 'DBADMIN_SCRATCH, the temporary directory or /var/tmp: the first with room',
      },
      { flags: '--timeout <span>', summary: 'how long recovery may take', fallback: '24h' },
      { flags: '--last', summary: 'show the last rehearsal again, and run none' },
      { flags: '--report <file>', summary: 'also write the result there, as JSON' },
    ],
    json: [
      'format: 1 · at · tool · cluster · database · user: the role that the files ran as · serverVersion · backup: label · moment: in words · restoreMs · warnings',
      'files: array of { kind: versioned or routines, version or null, path, transaction, applied, tookMs, walBytes, commitMs, statements, blocked }',
      '… statements: array of { file, number, line, sha256, command, object or null, text, tookMs, walBytes, rows or null, seen: exact or sampled, locks, rewrites: array of { relation, kind: table, index or toast } }',
      '… locks: array of { relation, relationKind, table, mode, heldMs, sizeBytes or null, rows: estimate or null }',
      '… blocked: array of { table, reads, writes: { ms, mode, by, longest: places in statements, from 0 } or null }',
      'overLimit: array of { file, table, blocks, blockedMs, mode, statement: { file, number, line, command, object or null } that takes the lock, longest: the same with tookMs of another that takes most of the time, or null, hint }',
      'verdict: passed or over-limit',
    ],
    load: async () => await import('./rehearse.ts'),
  },
];
