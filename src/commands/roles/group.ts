import type { CommandSpec, OptionSpec } from '../command.ts';

const FILE: OptionSpec = {
  flags: '--file <path>',
  summary: 'the roles file (default: paths.roles of the configuration, roles/roles.yaml)',
};

const PLAN_JSON = [
  'cluster: name in the configuration; server: major version; mode: add, manage or exact',
  'inSync: true when there is nothing to change',
  'changes: array of { risk: SAFE, WIDEN, NARROW or DESTROY, subject, sign, text, remark, database or null for the whole cluster, sql: array of statements }',
  'counts: { safe, widen, narrow, destroy }',
  'unmanaged: { roles, undeclaredRoles, databases, schemas, memberships, privileges: arrays of names }',
  'notes: array of sentences',
];

export const ROLES_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'roles plan',
    summary: 'what must change for the cluster to be as roles.yaml says',
    description: `Reads the file and the cluster and prints the difference; changes nothing. Each change is SAFE, WIDEN (somebody may do
more), NARROW (less) or DESTROY. What the scope leaves out is counted, and listed with --unmanaged.

With --sql the statements are printed for a person to paste; passwords are not in them. Exit 0 in sync, 2 when there is a difference.

$ dbadmin roles plan
$ dbadmin roles plan --sql > roles.sql`,
    options: [
      FILE,
      { flags: '--sql', summary: 'print the SQL instead of the table' },
      { flags: '--unmanaged', summary: 'list what the file leaves alone' },
    ],
    json: PLAN_JSON,
    load: async () => await import('./plan.ts'),
  },
  {
    name: 'roles apply',
    summary: 'make the cluster as roles.yaml says',
    description: `Prints the plan, asks, and makes the changes: the cluster's and one database's in one transaction, or one per database when
several differ. Only differences are sent. Afterwards the cluster is looked at again; a difference left is exit 1.

Passwords are sent last, as SCRAM verifiers made here, each in a transaction that keeps out of the server's log.

$ dbadmin roles apply
$ dbadmin roles apply --yes`,
    options: [
      FILE,
      { flags: '--allow-drop', summary: 'allow what drops roles' },
      { flags: '--lock-timeout <duration>', summary: 'how long a statement waits for a lock', fallback: '5s' },
    ],
    json: [...PLAN_JSON, 'applied: how many changes were made; transactions: in how many transactions; tookMs'],
    load: async () => await import('./apply.ts'),
  },
  {
    name: 'roles check',
    summary: 'is the cluster as roles.yaml says? for CI and monitoring',
    description: `Like plan, in one line per difference. Exit 0 in sync, 2 when there is a difference.

$ dbadmin roles check || mail -s 'roles drifted' dba`,
    options: [FILE],
    json: PLAN_JSON,
    load: async () => await import('./check.ts'),
  },
];
