import type { CommandSpec, OptionSpec } from '../command.ts';

const REPOSITORY: OptionSpec = { flags: '--repository <name>', summary: 'which repository of the configuration' };
const SYSTEM: OptionSpec = {
  flags: '--system-identifier <id>',
  summary: 'which cluster, where the repository has several of one name',
  fallback: 'that of the server that runs',
};

export const PROVE_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'backup verify',
    summary: 'what of the repositories is missing or damaged, and what that costs',
    description: `Looks at every object of the cluster: identity, keys, indexes and the packs they name, manifests to their end, WAL from start
to stop of each backup, history files, dumps. With --read-data each byte is read and compared with its hash; with --sample a share of the
content, chosen by a seed that is printed. What an earlier verification found is read again in any case, until it is mended or gone. Says which backups and which windows each fault takes. Exit 0: sound. Exit 3: not,
or one of several repositories could not be looked at, which does not stop the others.

$ dbadmin backup verify
$ dbadmin backup verify --read-data
$ dbadmin backup verify --sample 5%`,
    options: [
      REPOSITORY,
      SYSTEM,
      { flags: '--read-data', summary: 'read all content' },
      { flags: '--sample <percent>', summary: 'read a share of the content, such as 5%' },
      { flags: '--seed <text>', summary: 'which share: the same seed reads the same', fallback: 'drawn and printed' },
    ],
    json: [
      'reports: array, one per repository, of { repository, isSound, faultCount, faults: array of { kind: missing or damaged, object, detail }, …',
      '… backups: array of { label, reasons, files } that do not restore whole, soundBackups: labels, dumps: array of { label, reasons }, …',
      '… windows: array of { backup, timeline, fromLsn, toLsn, from, to, endsAtLsn or null }, restorable: array of windows, gaps, leftovers, …',
      '… rechecked: labels of earlier ones: all that they found was looked at again, extent: { kind, share, seed }, tally: { objects, backups, packs, blobs, segments, dumps, readBytes }, startedAt, finishedAt } or { repository, error }',
    ],
    load: async () => await import('./verify.ts'),
  },
  {
    name: 'backup drill',
    summary: 'restore a backup for the sake of it, look whether it is what was promised, and sign what was seen',
    description: `Restores into a scratch directory, starts the clone where nobody else can reach it, replays to the target and compares where
it stopped with what the stored WAL promises. Then amcheck looks at every btree index and every table, and the assertions of the policies
are asked. Everything is removed again. The report goes into the repository, signed with this user's Ed25519 key, which is made at first use.

It passes only when the promised point was reached and everything holds; a drill in which nobody looked inside the clone is no pass.
Exit 0: passed. Exit 3: not, and the report says why.

$ dbadmin backup drill
$ dbadmin backup drill --target random
$ dbadmin backup drill --list
$ dbadmin backup drill --public-key > drill.pub
$ dbadmin backup drill --verify-report 20261121T040312Z-drill --trusted-key drill.pub`,
    options: [
      REPOSITORY,
      SYSTEM,
      {
        flags: '--target <what>',
        summary: 'latest, or random: any moment that can be restored',
        choices: ['latest', 'random'],
        fallback: 'latest',
      },
      { flags: '--seed <text>', summary: 'draws the same random moment again', fallback: 'drawn and printed' },
      { flags: '--to <time>', summary: 'a time, as restore takes it' },
      { flags: '--to-lsn <lsn>', summary: 'a position in the WAL' },
      { flags: '--to-xid <xid>', summary: 'a transaction' },
      { flags: '--to-name <name>', summary: 'a restore point' },
      { flags: '--immediate', summary: 'the end of the backup, nothing more' },
      { flags: '--backup <label>', summary: 'restore this backup', fallback: 'the newest that serves' },
      { flags: '--policy <name>', summary: 'whose assertions are asked', fallback: 'every policy of the cluster' },
      { flags: '--heapallindexed', summary: 'amcheck also looks for every row in its indexes' },
      { flags: '--skip-amcheck', summary: 'ask the assertions only' },
      {
        flags: '--scratch <dir>',
        summary: 'where the clone is laid down',
        fallback: 'DBADMIN_SCRATCH, the temporary directory or /var/tmp: the first with room',
      },
      { flags: '--timeout <duration>', summary: 'how long recovery may take', fallback: '24h' },
      {
        flags: '--key <file>',
        summary: 'the private key that signs; made there, and said, when there is none',
        fallback: 'DBADMIN_DRILL_KEY, paths.drill_key, or drill-key.pem in the state directory',
      },
      { flags: '--report <file>', summary: 'also write the signed report there' },
      { flags: '--list', summary: 'show the drills there were, the newest first, and end' },
      { flags: '--limit <n>', summary: 'with --list: how many', fallback: '50' },
      { flags: '--show <label>', summary: 'show the report of a drill and what its signature says, and end' },
      { flags: '--public-key', summary: 'print the public key and end' },
      { flags: '--verify-report <report>', summary: 'check the signature of a report, by label or file, and end' },
      { flags: '--trusted-key <file>', summary: 'a public key whose reports are believed', repeatable: true },
    ],
    json: [
      'report: { label, verdict: passed, failed or proved-nothing, failures, weaknesses, target: { asked, seed, moment }, plan, reached, amcheck, assertions: array of { sql, is, got, holds }, times: { planMs, restoreMs, recoveryMs, rtoMs, checksMs }, … }',
      'signature: { algorithm, publicKey, value }',
      'with --list: repository, total, drills: array, newest first, of { label, verdict, backup or null, finishedAt, startedAt, asked, moment, serverVersion, plainBytes, walBytes, reachedLsn, amcheck: state, assertions: { held, asked }, times, failures, weaknesses, fingerprint }, null where a report cannot be read',
      'with --show: report, signature, signed: { kind: valid, unknown-key or invalid, fingerprint or null, reason or null }',
      'with --verify-report: valid: true, fingerprint, report',
      'with --public-key: publicKey: PEM, fingerprint',
    ],
    load: async () => await import('./drill.ts'),
  },
];
