import type { CommandSpec, OptionSpec } from '../command.ts';

const REPOSITORY: OptionSpec = { flags: '--repository <name>', summary: 'which repository of the configuration' };
const SYSTEM: OptionSpec = { flags: '--system-identifier <id>', summary: 'which cluster, where the repository has several of one name' };

export const WAL_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'wal push',
    summary: 'store a WAL file, for archive_command',
    description: `Exit 0: every repository that wal.required names (all, unless backups/policies.yaml says otherwise) has the file durably. Anything
else is 1, and the server keeps the file and asks again. The same file twice is fine; other content under a name that is taken is
refused, and so is the WAL of another cluster. Segments, .partial files of a timeline that ended, .backup files and timeline histories are kept,
and of several .partial files of one name, from servers promoted off one timeline, the first.

$ archive_command = 'dbadmin wal push --config /etc/dbadmin.yaml %p || exit 1'`,
    args: [{ form: '<path>', summary: 'the file (%p)' }],
    options: [REPOSITORY],
    json: ['file: name', 'result: stored or present', 'repositories: array of names'],
    failureStatus: 1,
    load: async () => await import('./push.ts'),
  },
  {
    name: 'wal salvage',
    summary: 'store the WAL that a cluster which does not run has in pg_wal, and the repository has not',
    description: `What a cluster committed while the repository was away lies in its pg_wal, and after a crash nowhere else. This looks at every
segment there, stores those that the repository lacks, in each of the cluster's repositories, and of the last one as much as is valid,
with the histories of its timelines. Nothing is taken from the directory, and it can be repeated. A restore over a cluster refuses
to go to the latest moment while there is something to store.

Also of the directory that a restore moved such WAL to. Of a restored clone nothing is stored, unless the repository has WAL that it wrote: then somebody goes on with it. Exit 3 when WAL breaks off before its last segment: what is behind is not stored.

$ dbadmin wal salvage /var/lib/postgresql/18/main`,
    args: [{ form: '<dir>', summary: 'its data directory, or the directory that a restore moved its WAL to' }],
    options: [REPOSITORY, SYSTEM],
    json: [
      'directory: where the segments lie',
      'repositories: array of { repository, stretches: array of { timeline, segments, fromLsn, untilLsn, leftOut: segments behind a place that cannot be read } }',
    ],
    load: async () => await import('./salvage.ts'),
  },
  {
    name: 'wal status',
    summary: 'how far the WAL is stored, its gaps, and what would be lost now',
    description: `The slot and who reads it, or with wal.mode archive in the policy whether archive_command succeeds, and for each repository how far it has come, how far it is behind, and the RPO of this moment.
Exit 2 when somebody should look: nobody receives, the slot is lost, archiving fails or its segments do not come, or a gap keeps the newest moments from being restored.

$ dbadmin wal status`,
    options: [REPOSITORY],
    json: [
      'mode: stream, archive or none, as the policies say, stream where they say nothing, unknown where they cannot be read; delivery: { isWell, text }: whether WAL is received or archived',
      'slot: name',
      'writtenLsn, isReceiving, walStatus, keptBytes: of the server; null where it cannot be asked',
      'repositories: array of { name, required, timeline, storedLsn, lagBytes, lagMs, lossMs, coveredUntil, reason, gaps, behind: why what is archived is not there, or null } or { name, required, error }',
    ],
    load: async () => await import('./status.ts'),
  },
  {
    name: 'wal client',
    summary: 'write the small sh program that pushes and gets WAL through a running wal receive',
    description: `A Node process takes longer to start than a segment takes to store. The program talks to the socket of wal receive --serve instead,
in a few milliseconds, and runs dbadmin itself when nobody serves it. It keeps to the exit statuses of archive_command and
restore_command. It needs sh, and perl for the socket (every Debian and Red Hat host with PostgreSQL has it).

$ dbadmin wal receive --serve /run/dbadmin/wal.sock
$ dbadmin wal client --socket /run/dbadmin/wal.sock --install /etc/dbadmin/wal-client`,
    options: [
      { flags: '--socket <path>', summary: 'where wal receive serves' },
      { flags: '--install <file>', summary: 'write it there, executable; printed without' },
    ],
    json: ['file: where it was written'],
    load: async () => await import('./client.ts'),
  },
];
