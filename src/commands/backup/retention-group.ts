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

Where the repository is on a disk of the machine there is one clock alone, and one that was set ahead would let the window go. So in every repository a time in which nothing was stored, at
least a day and half of the window long and three times as long as it took before from one thing to the next, makes nothing older: what was in the window before it stays until the
window is filled anew, and holds from before it end later; without a window the clock is believed. --clock-is-right says that the machine was off, or the cluster is no more, and lets it go.

Exit 3: something was not removed; or content is lost that a backup needs, and until that is mended none is freed and the repository grows.

Of dumps the last so many stay that hold all of a database, for each database; and as many of definitions or single tables only, which are counted apart.
The last ones with a database that is there and left out of newer ones, excluded or not asked for, stay, too: another policy, job or crontab may dump it. Where they are to go, delete ID/dumps/LABEL/manifest.json
in the repository by hand, and then the rest of ID/dumps/LABEL/. Those of a database that was dropped go with time. A dump of before dumps said what they are may be definitions
alone: it goes once so many newer ones are known to be whole, but with a database that these leave out, for whatever reason, not until
so many newer ones are known to hold all of it.

Runs by itself after each backup, and where dumps are all there is after each whole dump, unless the policy says expire: manual; where nothing but that goes wrong
backup run and backup dump end with 4. To a schedule that is a success with a warning: what runs after it runs, and it is not tried
again, which would take one more. Where runs are recorded (schedule history) people are told (job-failed); a unit of systemd or a job of Kubernetes ends as failed.

After pg_upgrade, or a new initdb, the repository has two clusters of one name. The server that runs says which is its own. The other stays as it is
until its --system-identifier is given. Its newest backup stays even then: only deleting clusters/ID and ID/ in the repository by hand ends that.
Where the repository has others and none of the cluster's name, the server is asked, too: before the first backup nothing is removed, and the exit is 1.

On a terminal --apply shows it and asks, for each repository by itself, unless --yes is given; without one, as in a schedule, it does not.
Where nothing was removed because of a no, the command ends with 130; where another repository was said yes to, with 3.

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
      {
        flags: '--clock-is-right',
        summary: 'lets go, too, what stays because nothing was stored for long and the clock may have been set ahead',
      },
      { flags: '--grace <duration>', summary: 'how long content stays marked: longer than any backup takes', fallback: '25h' },
      REPOSITORY,
      { ...SYSTEM, fallback: 'that of the server that runs' },
    ],
    json: [
      'applied: whether it was to be removed: --apply was given',
      'repositories: array of { repository, backups, dumps, wal, damaged, expired, collected, leftovers, declined: true where who was asked said no, else absent } or { repository, error }; of several, those after one at which it was interrupted are absent',
      'repositories[].backups, dumps: array of { label, at: when the backup ended or the dump began, brokenBy: label of a verification that found that it does not restore whole, or null, stays: whether a rule keeps it, lockedUntil: of one that no rule keeps and the storage does, else null, reasons: array of { kind: window, pause (in the window but for a time in which nothing was stored), window-start, last, last-part, unrecorded (a dump that does not say whether it is whole), period, minimum, hold, newest-damaged, audit, ahead or no-rule, … }, why: the reasons in words }',
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
Where one is away the others have it, a warning says so, and the command ends with 3.
While something is being expired there it watches for up to 20 s whether the hold came in time, and fails where it did not.

$ dbadmin backup hold 20261121T203001Z-full --reason "audit 2026" --until 2027-12-31
$ dbadmin backup hold 20261121T203001Z-full --release`,
    args: [{ form: '[label]', summary: 'of the backup or dump' }],
    options: [
      { flags: '--reason <text>', summary: 'why; shown by backup expire' },
      {
        flags: '--until <time>',
        summary: 'when it ends: a time, or how long from now, such as 90d; not with --release',
        fallback: 'no end, but for --release',
      },
      { flags: '--release', summary: 'end all holds of it' },
      REPOSITORY,
      SYSTEM,
    ],
    json: ['repositories: array of { repository, holds: array of { label, name, reason, until, placedAt, by } } or { repository, error }'],
    load: async () => await import('./hold.ts'),
  },
  {
    name: 'backup acknowledge',
    summary: 'say which backups have pages wrong that an audit found to differ',
    description: `A full backup is compared with the ones before it, page by page, and so is an incremental one that reads everything. Where a page changed without a
trace in the WAL, either the cluster's storage changed it, and that backup has it wrong, or the earlier ones missed a change. Until somebody says which: both count for no retention
rule, nothing as old or older expires, restores take another backup or ask for --accept-suspect, and status is red.

Restore an earlier one beside, and look at the relations with amcheck. --sound audited: that backup is right, the lineage goes on from it, and the
earlier ones back to the full one before are wrong. --sound earlier: they are right, and the audited one and what came after it are wrong; say it when
the cluster has been mended, and take a full one then. --sound both: neither is wrong, as where hints of rows were not
logged for a while between two backups; all count again. What is wrong may expire, and is restored only on request.
Of pages that became zeros (emptied) amcheck says nothing, and with audited or both the only backups with their rows may expire: docs/runbooks/backups-differ.md,
"A page of zeros".

Pages that nobody could judge (unjudged) make nothing suspect, and are told of as long as the backup is there that has them otherwise. --sound both ends that, once you know what they
are: the same document, "Pages that nobody could judge".

Written down in every repository of the cluster, of all that any of them has: while one is away nothing is, unless --repository names another. Who said something else before is overruled.

$ dbadmin backup acknowledge 20261121T203001Z-full --sound earlier --reason "disk of db1 replaced, core.play restored from the backup before"`,
    args: [{ form: '<label>', summary: 'of the backup whose audit it was' }],
    options: [
      { flags: '--sound <which>', summary: 'which have the pages right', choices: ['audited', 'earlier', 'both'] },
      { flags: '--reason <text>', summary: 'what was found' },
      REPOSITORY,
      SYSTEM,
    ],
    json: [
      'repositories: array of { repository, finding: { label, name, sound: audited, earlier or both, wrong: labels, began: { timeline, lsn }, reason, placedAt, by } } or { repository, error }',
    ],
    load: async () => await import('./acknowledge.ts'),
  },
];
