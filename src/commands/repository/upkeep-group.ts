import type { CommandSpec, OptionSpec } from '../command.ts';

const REPOSITORY: OptionSpec = { flags: '--repository <name>', summary: 'which repository of the configuration' };
const SYSTEM: OptionSpec = { flags: '--system-identifier <id>', summary: 'which cluster, where the repository has several of one name' };

/** Commands for looking after repositories. */
export const UPKEEP_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'repository list',
    summary: 'the repositories: reachable, writable, encrypted, how full and how fast they fill',
    description: `Needs no key. Growth is what was stored in a day over the last seven and is still there; once expiries have noted for two weeks how much there is, also less what went. Exit 3 when one cannot be reached.`,
    options: [{ ...REPOSITORY, fallback: 'all of the configuration' }],
    json: [
      'repositories: array of { name, type, place, reachable, problem, writable, encrypted, format, objects, usedBytes, freeBytes, growthBytesPerDay, daysUntilFull, backups, oldestBackup, newestBackup, createdAt, encryption, conditionalCreate, objectLockDays, kinds, curve, clusters }; null for what is not known',
      '… kinds: { packs, indexes, manifests, wal, dumps, reports, leases, marks, ledger, identity, other: { objects, bytes } }',
      '… curve: array of { day: in UTC, keptBytes: of what was stored until its end, what is still there }, of the last 90 days those that have any',
      '… clusters: array of { name: or null where nothing says it, systemIdentifier, serverVersion: or null, usedBytes, packBytes, backups, plainBytes: of the databases in all backups, oldestBackup, newestBackup, leases: array of { lease, owner: { command, host, pid }, since, lastSignAt, isLate }, marked: { packs, firstAt, lastAt } or null, verified: { label, finishedAt, extent, isSound, faults } or null }',
    ],
    load: async () => await import('./list.ts'),
  },
  {
    name: 'repository sync',
    summary: 'copy the backups and WAL of a cluster that another repository has not got',
    description: `For a second device: what one repository has and the other misses is copied, checked as it is read, and encrypted anew where keys differ. Each
backup appears with its manifest, last; interrupted, the next run goes on. Backups that the retention of the destination would not keep are left.
What is damaged in the first is not copied, nor a backup that needs it; everything else is. Exit 3 then, and the report names each.

$ dbadmin repository sync --from local --to offsite
$ dbadmin repository sync --from local --to archive --backup 20261121T203001Z-full`,
    options: [
      { flags: '--from <name>', summary: 'the repository that has it' },
      { flags: '--to <name>', summary: 'the repository that gets it; made with dbadmin backup init' },
      {
        flags: '--backup <label>',
        summary: 'only this backup and the WAL from it on, with the ledger and findings about audits',
        fallback: 'backups, WAL, dumps, holds, ledger and reports',
      },
      { flags: '--all', summary: 'also what the retention of the destination would not keep' },
      { flags: '--dry-run', summary: 'show which backups would be copied, and copy nothing' },
      SYSTEM,
    ],
    json: [
      'from, to: names',
      'backups: array of { label, newBlobs, storedBytes } copied; with --dry-run those that would be, with what they took in the first',
      'left: array of labels that were not worth copying',
      'wal: { segments, parts, histories, beside: .partial and .backup files } copied, or null with --dry-run',
      'dumps: array of labels copied',
      'objects: number of holds, findings about audits, ledger entries, reports and records of gaps copied',
      'failed: array of { kind: backup, namesake (a backup or dump whose label stands for another one in the destination), wal, history, dump or object, name, problem } that could not be copied; with --dry-run only namesakes, and backups whose manifest cannot be read',
    ],
    load: async () => await import('./sync.ts'),
  },
  {
    name: 'repository rebuild-index',
    summary: 'write the indexes anew from what the packs say of themselves',
    description: `For a repository that lost index objects, or whose indexes are damaged or name packs that are not there. Needs no key: packs tell what they hold.
Indexes that are whole and true stay, unless --all, and one that alone says what lies in a pack which is damaged and cannot say it itself. One that the storage has locked stays beside those that are written, until its lock has ended;
nothing hangs on it. Exit 3 then, and when packs are missing or damaged.`,
    options: [
      { flags: '--all', summary: 'also indexes that are whole' },
      { flags: '--dry-run', summary: 'show what would be written anew, and write nothing' },
      REPOSITORY,
      SYSTEM,
    ],
    json: [
      'repository, systemIdentifier: text',
      'packs, added, written: numbers of packs, packs newly indexed, index objects written',
      'replaced: array of index keys',
      'locked: array of { index, until } that stay, until as ISO 8601 or null',
      'kept: array of { index, packs } that stay, since only they say what lies in packs that are damaged',
      'missing: array of packs; damaged: array of { pack, problem }',
    ],
    load: async () => await import('./rebuild-index.ts'),
  },
  {
    name: 'repository recover',
    summary: 'write the identity of a repository anew, which it has lost or which is damaged',
    description: `The identity is the small object dbadmin-repository at the top; without it nothing in the repository can be used. What the configuration gives
to open it, or an emergency key, is proven first, on backups, WAL, indexes, packs, dumps and reports that are there; nothing is written when it opens none
of them (exit 12), or when what is there is not encrypted and a key is given. The id is that of the emergency key, or a new one; nothing hangs on
it. A damaged identity is mended bit for bit where one bit of it was flipped, and replaced otherwise, after a question; where the storage has
locked it, it stays, and the command says until when.

$ dbadmin repository recover --repository local
$ dbadmin repository recover --emergency /media/stick/offsite-emergency.txt`,
    options: [
      REPOSITORY,
      { flags: '--emergency <file>', summary: 'open it with this exported key, and not with what the configuration gives' },
      { flags: '--dry-run', summary: 'try the key and show what would be written, and write nothing' },
    ],
    json: [
      'repository: name',
      'was: missing or damaged',
      'written: false with --dry-run',
      'identity: { id, createdAt, format, encryption }',
      'isMended: whether it is the identity of before, bit for bit',
      'provenBy: array of the keys of objects that were read with it',
      'strangers: array of the keys of objects that are whole, and not of this repository',
    ],
    load: async () => await import('./recover.ts'),
  },
  {
    name: 'repository unlock',
    summary: 'break the leases of a run that is known to be gone',
    description: `Seldom needed: a lease that shows no sign of life for three minutes is taken over by itself, at once when its process ended on this machine. A run whose lease
was broken finds out before it finishes anything.`,
    options: [REPOSITORY, SYSTEM],
    json: ['repository: name', 'broken: array of { lease, owner: { command, host, pid, process }, since }'],
    load: async () => await import('./unlock.ts'),
  },
];
