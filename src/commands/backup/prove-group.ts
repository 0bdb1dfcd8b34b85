import type { CommandSpec, OptionSpec } from '../command.ts';

const REPOSITORY: OptionSpec = { flags: '--repository <name>', summary: 'which repository of the configuration' };
const SYSTEM: OptionSpec = { flags: '--system-identifier <id>', summary: 'which cluster, where the repository has several of one name' };

export const PROVE_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'backup verify',
    summary: 'what of the repositories is missing or damaged, and what that costs',
    description: `Looks at every object of the cluster: identity, keys, indexes and the packs they name, manifests to their end, WAL from start
to stop of each backup, history files, dumps. With --read-data each byte is read and compared with its hash; with --sample a share of the
content, chosen by a seed that is printed. Says which backups and which windows each fault takes. Exit 0: sound. Exit 3: not.

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
      '… extent: { kind, share, seed }, tally: { objects, backups, packs, blobs, segments, dumps, readBytes }, startedAt, finishedAt }',
    ],
    load: async () => await import('./verify.ts'),
  },
];
