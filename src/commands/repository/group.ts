import type { CommandSpec, OptionSpec } from '../command.ts';
import { KEY_COMMANDS } from './key-group.ts';

const REPOSITORY: OptionSpec = { flags: '--repository <name>', summary: 'which repository of the configuration' };

export const REPOSITORY_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'repository iam-policy',
    summary: 'print the least that a writer, a restorer or an expirer needs of an S3 bucket',
    description: `A policy for AWS and for servers that read its policies. The writer (backup run, wal receive, wal push, backup check) cannot delete what
is to be kept, the restorer (restore, wal get, backup verify) cannot write, and the expirer (backup expire) can take neither the keys nor the
identity away. On AWS nobody can write over an object. It follows the configuration: prefix, KMS key, tags and Object Lock.

$ dbadmin repository iam-policy --for writer --repository offsite > writer.json
$ aws iam put-user-policy --user-name backup --policy-name dbadmin --policy-document file://writer.json`,
    options: [{ flags: '--for <role>', summary: 'whose policy', choices: ['writer', 'restorer', 'expirer'] }, REPOSITORY],
    json: ['repository: name', 'role: writer, restorer or expirer', 'policy: the IAM policy document'],
    load: async () => await import('./iam-policy.ts'),
  },
  ...KEY_COMMANDS,
];
