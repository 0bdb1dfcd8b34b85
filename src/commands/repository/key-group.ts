import type { CommandSpec, OptionSpec } from '../command.ts';

const REPOSITORY: OptionSpec = { flags: '--repository <name>', summary: 'which repository of the configuration' };
/** Where a new secret comes from. A secret itself is never an argument: other users of the machine see those. */
const NEW_SECRET: readonly OptionSpec[] = [
  { flags: '--passphrase-env <name>', summary: 'the new passphrase is in this environment variable' },
  { flags: '--passphrase-file <file>', summary: 'the new passphrase is the first line of this file' },
  { flags: '--key-file <file>', summary: 'the new key is this file' },
  { flags: '--generate', summary: 'make the file of --key-file, readable by you alone, with 256 random bits' },
  { flags: '--note <text>', summary: 'who or what the key is for' },
];

export const KEY_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'repository key list',
    summary: 'the keys that open an encrypted repository',
    options: [REPOSITORY],
    json: [
      'repository: name',
      'encryption: none or aes-256-gcm',
      'keys: array of { id, kind, createdAt, note, isConfigured }',
      'damaged: array of { key, problem }: objects that cannot be read, and open nothing',
    ],
    load: async () => await import('./key-list.ts'),
  },
  {
    name: 'repository key add',
    summary: 'let another passphrase or key file open the repository',
    description: `Every key wraps the same repository key, so nothing that is stored is written anew. Without an option for it the passphrase is
asked for on the terminal, twice. When no other key is left, an emergency key that was exported opens the repository here.

$ dbadmin repository key add --note "safe in the office" --key-file /media/stick/offsite.key --generate
$ dbadmin repository key add --emergency emergency.txt --passphrase-env NEW_PASSPHRASE`,
    options: [REPOSITORY, ...NEW_SECRET, { flags: '--emergency <file>', summary: 'open the repository with this exported key' }],
    json: ['repository: name', 'added: { id, kind, note }'],
    load: async () => await import('./key-add.ts'),
  },
  {
    name: 'repository key remove',
    summary: 'take a key away; never the last, nor the one that this configuration needs',
    args: [{ form: '<id>', summary: 'the key, as repository key list names it' }],
    options: [REPOSITORY],
    json: ['repository: name', 'removed: { id, kind, note }; kind is damaged for one that could not be read'],
    load: async () => await import('./key-remove.ts'),
  },
  {
    name: 'repository key rotate',
    summary: 'put a new key in the place of the configured one',
    description: `The new key is added and proven before the old one is taken away: whenever this is interrupted, one of the two works. Afterwards
the configuration has to name the new one.

$ NEW=… dbadmin repository key rotate --passphrase-env NEW --yes`,
    options: [REPOSITORY, ...NEW_SECRET],
    json: ['repository: name', 'added: { id, kind, note }', 'removed: { id }'],
    load: async () => await import('./key-rotate.ts'),
  },
  {
    name: 'repository key export',
    summary: 'write an emergency key, which opens the repository when all else is lost',
    description: `The file is made readable by you alone and holds the repository key itself: print it or put it into a safe, away from the repository and
from the database host. It stays good through every rotation.

$ dbadmin repository key export --to /media/stick/emergency.txt`,
    options: [REPOSITORY, { flags: '--to <file>', summary: 'the file to make, or - for standard output' }],
    json: ['repository: name', 'file: path, with --to FILE'],
    load: async () => await import('./key-export.ts'),
  },
];
