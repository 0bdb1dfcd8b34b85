import type { CommandSpec, OptionSpec } from '../command.ts';

const REPOSITORY: OptionSpec = {
  flags: '--repository <name>',
  summary: 'which repository of the configuration',
  fallback: 'all of the cluster',
};
const SYSTEM: OptionSpec = { flags: '--system-identifier <id>', summary: 'which cluster, where the repository has several of one name' };

export const RETENTION_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'backup expire',
    summary: 'what retention lets go and why the rest stays; removes it with --apply',
    description: `Retention comes from the policy of the cluster in backups/policies.yaml: a window in which every moment stays restorable, backups to keep of the
last hours, days, weeks, months and years, and a minimum. The last ones and the minimum are counted by when backups ended, and for each timeline in use by itself, so that neither a failover nor a
server that was left takes their places. Damaged and suspect backups count for nothing, nor do those that a backup verify found broken, which stay as long as they
would if they were whole; what is held stays, and
so does what is as old as a mismatch that nobody has acknowledged, or older. WAL goes when no backup
needs it: backups of the window need all that follows, older ones only their own. Content goes in two steps: what nothing needs is marked, and freed by a
run that comes when --grace has passed and no backup is being taken.

Of dumps the last so many stay that hold all of a database, for each database; and as many of definitions or single tables only, which are counted apart.
The last ones with a database that is there and left out of newer ones, excluded or not asked for, stay, too: another policy may dump it. Where they are to go, delete ID/dumps/LABEL/manifest.json
in the repository by hand, and then the rest of ID/dumps/LABEL/. Those of a database that was dropped go with time.

Runs by itself after each backup, and where dumps are all there is after each whole dump, unless the policy says expire: manual; where nothing but that goes wrong
backup run and backup dump end with 4, and a schedule does not try them again: they would take one more.

After pg_upgrade, or a new initdb, the repository has two clusters of one name. The server that runs says which is its own. The other stays as it is
until its --system-identifier is given. Its newest backup stays even then: only deleting clusters/ID and ID/ in the repository by hand ends that.

$ dbadmin backup expire
$ dbadmin backup expire --apply
$ dbadmin backup expire --window 14d --keep daily=7 --keep monthly=12`,
    options: [
      { flags: '--apply', summary: 'remove it' },
      { flags: '--window <duration>', summary: 'instead of the policy: every moment of so long stays restorable' },
      {
        flags: '--keep <rule=n>',
        summary: 'instead of the policy: last, hourly, daily, weekly, monthly or yearly, and how many',
        repeatable: true,
      },
      { flags: '--minimum <n>', summary: 'instead of the policy: sound backups that stay whatever their age', fallback: '1' },
      { flags: '--dumps <n>', summary: 'instead of the policy: dumps to keep of each database', fallback: 'all' },
      { flags: '--grace <duration>', summary: 'how long content stays marked: longer than any backup takes', fallback: '25h' },
      REPOSITORY,
      { ...SYSTEM, fallback: 'that of the server that runs' },
    ],
    json: [
      'applied: whether it was removed',
      'repositories: array of { repository, backups, dumps, wal, damaged, expired, collected, leftovers } or { repository, error }',
      'repositories[].backups, dumps: array of { label, at: when the backup ended or the dump began, brokenBy: label of a verification that found that it does not restore whole, or null, stays: whether a rule keeps it, lockedUntil: of one that no rule keeps and the storage does, else null, reasons: array of { kind: window, window-start, last, last-part, unrecorded (a dump that does not say whether it is whole), period, minimum, hold, newest-damaged, audit, ahead or no-rule, … }, why: the reasons in words }',
      'repositories[].wal: { objects, bytes } that no backup needs; damaged: array of { key, problem }: manifests that cannot be read, while which nothing is removed',
      'repositories[].expired: { backups, dumps, locked: labels; wal: { objects, bytes } } or null',
      'repositories[].collected: { marked, withdrawn, compacted, deleted, waiting, locked: { packs, bytes, … }, postponedFor, unindexed }, { refused } or null',
    ],
    load: async () => await import('./expire.ts'),
  },
  {
    name: 'backup hold',
    summary: 'keep a backup or dump whatever retention says, or stop keeping it; without a label, show what is held',
    description: `A hold says why and may have an end. It is written down in every repository of the cluster that has the backup.

$ dbadmin backup hold 20261121T203001Z-full --reason "audit 2026" --until 2027-12-31
$ dbadmin backup hold 20261121T203001Z-full --release`,
    args: [{ form: '[label]', summary: 'of the backup or dump' }],
    options: [
      { flags: '--reason <text>', summary: 'why; shown by backup expire' },
      { flags: '--until <time>', summary: 'when it ends: a time, or how long from now, such as 90d', fallback: 'when it is released' },
      { flags: '--release', summary: 'end all holds of it' },
      REPOSITORY,
      SYSTEM,
    ],
    json: ['repositories: array of { repository, holds: array of { label, name, reason, until, placedAt, by } }'],
    load: async () => await import('./hold.ts'),
  },
  {
    name: 'backup acknowledge',
    summary: 'say which backups have pages wrong that an audit found to differ',
    description: `A full backup is compared with the ones before it, page by page. Where a page changed without a trace in the WAL, either the cluster's storage
changed it, and the full backup has it wrong, or the earlier ones missed a change. Until somebody says which: both count for no retention
rule, nothing as old or older expires, restores take another backup or ask for --accept-suspect, and status is red.

Restore an earlier one beside, and look at the relations with amcheck. --sound audited: the full backup is right, the lineage goes on from it, and the
earlier ones back to the full one before are wrong. --sound earlier: they are right, and the full one and what came after it are wrong; say it when
the cluster has been mended, and take a full one then. What is wrong may expire, and is restored only on request.

Written down in every repository of the cluster, of all that any of them has. Who said something else before is overruled.

$ dbadmin backup acknowledge 20261121T203001Z-full --sound earlier --reason "disk of db1 replaced, core.play restored from the backup before"`,
    args: [{ form: '<label>', summary: 'of the full backup whose audit it was' }],
    options: [
      { flags: '--sound <which>', summary: 'which have the pages right', choices: ['audited', 'earlier'] },
      { flags: '--reason <text>', summary: 'what was found' },
      REPOSITORY,
      SYSTEM,
    ],
    json: [
      'repositories: array of { repository, finding: { label, name, sound: audited or earlier, wrong: labels, began: { timeline, lsn }, reason, placedAt, by } }',
    ],
    load: async () => await import('./acknowledge.ts'),
  },
];
