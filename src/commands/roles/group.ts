import type { CommandSpec, OptionSpec } from '../command.ts';

export const ROLES_FILE: OptionSpec = {
  flags: '--file <path>',
  summary: 'the roles file (default: paths.roles of the configuration, roles/roles.yaml)',
};

/** Less, or another strictness, than the file asks for: to take a cluster over step by step. */
const PART_OF_IT: readonly OptionSpec[] = [
  { flags: '--mode <mode>', summary: 'instead of what the file says', choices: ['add', 'manage', 'exact'] },
  { flags: '--only <glob>', summary: 'only what is about these roles, or is in these schemas', repeatable: true },
];

export const PLAN_JSON: readonly string[] = [
  'cluster: name in the configuration; server: major version; mode: add, manage or exact',
  'inSync: true when there is nothing to change',
  'changes: array of { risk: SAFE, WIDEN, NARROW or DESTROY, subject, sign, text, remark, database or null for the whole cluster, sql: array of statements }',
  'counts: { safe, widen, narrow, destroy }',
  'unmanaged: { roles, undeclaredRoles, databases, schemas, memberships, privileges: arrays of names }',
  'notes: array of sentences',
  'lacks: array of { what, changes, sql }: what the role that plans may not do and what would allow it',
];

export const ROLES_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'roles plan',
    summary: 'what must change for the cluster to be as roles.yaml says',
    description: `Reads the file and the cluster and prints the difference; changes nothing. Each change is SAFE, WIDEN (somebody may do
more), NARROW (less) or DESTROY. What the scope leaves out is counted, and listed with --unmanaged. What the role that is connected
may not do is told with the SQL that would allow it; --as plans for another role, so that a login which may only read can plan for
the one that applies.

With --sql the statements are printed for a person to paste; passwords are not in them. With --out the plan is kept in a file,
bound to the text of roles.yaml, to what was seen in the cluster and to the cluster itself: roles apply FILE makes exactly that or
says what moved. Exit 0 in sync, 2 when there is a difference.

$ dbadmin roles plan
$ dbadmin roles plan --sql > roles.sql
$ dbadmin roles plan --as dbadmin --out roles.plan`,
    options: [
      ROLES_FILE,
      ...PART_OF_IT,
      { flags: '--sql', summary: 'print the SQL instead of the table' },
      { flags: '--unmanaged', summary: 'list what the file leaves alone' },
      { flags: '--out <path>', summary: 'save the plan for roles apply' },
      { flags: '--as <role>', summary: 'plan for this role', fallback: 'the role that is connected' },
    ],
    json: [
      ...PLAN_JSON,
      'never: array of sentences on rules under never that are or would be broken',
      'plan: SHA-256 of the saved plan, or null',
    ],
    load: async () => await import('./plan.ts'),
  },
  {
    name: 'roles apply',
    summary: 'make the cluster as roles.yaml says',
    description: `Prints the plan, asks, and makes the changes: the cluster's and one database's in one transaction, or one per database when
several differ. Only differences are sent. Afterwards the cluster is looked at again; a difference left is exit 1. With the file of a
saved plan, only that plan.

Passwords are sent after that, as SCRAM verifiers made here, each in a transaction that keeps out of the server's log. The end of
roles comes last: no more logins, sessions ended where the file says so, what they own given to the heir and what they may revoked in
every database, and the roles dropped; it needs --allow-drop.

One apply runs at a time on a cluster. What began, what was sent and how it ended is written into the table dbadmin.roles_applied of
the maintenance database, to which rows can only be added; what was taken away goes into the ledger of the cluster's repositories
for restore --reconcile. A plan that would break a rule under never is refused.

$ dbadmin roles apply
$ dbadmin roles apply --yes
$ dbadmin roles apply roles.plan --yes`,
    args: [{ form: '[plan]', summary: 'a plan that roles plan --out saved' }],
    options: [
      ROLES_FILE,
      ...PART_OF_IT,
      { flags: '--allow-drop', summary: 'allow what drops roles and ends sessions' },
      { flags: '--keep-roles', summary: 'drop no role now, and make all other changes: for applies that nobody watches' },
      { flags: '--lock-timeout <duration>', summary: 'how long a statement waits for a lock', fallback: '5s' },
      { flags: '--lock-wait <duration>', summary: 'how long to wait for another apply', fallback: '30s' },
      { flags: '--try-anyway', summary: 'go on where rights seem to be missing: a managed service can give more than the catalog says' },
    ],
    json: [...PLAN_JSON, 'applied: how many changes were made; transactions: in how many transactions; tookMs'],
    load: async () => await import('./apply.ts'),
  },
  {
    name: 'roles history',
    summary: 'applies and rotations that the cluster has a record of',
    description: `Who changed roles and when, from the table dbadmin.roles_applied of the maintenance database, newest first. A run that was
killed, or lost its connection, is unfinished: what it had sent may have been made. With --run, the statements of that run. No
password and no verifier is in the record.

$ dbadmin roles history --limit 5
$ dbadmin roles history --run 12`,
    options: [
      { flags: '--limit <n>', summary: 'so many runs', fallback: '20' },
      { flags: '--run <n>', summary: 'this run, with its statements' },
      { flags: '--maintenance-db <name>', summary: 'where the record is (default: what roles.yaml says, else postgres)' },
    ],
    json: [
      'cluster: name in the configuration; database: where the record is',
      'runs: array of { run, beganAt, endedAt or null, outcome: done, failed, running or unfinished, role, address or null, by: user@host, tool, file, plan: SHA-256, changes, tookMs or null, message or null, statements with --run }',
    ],
    load: async () => await import('./history.ts'),
  },
  {
    name: 'roles bootstrap',
    summary: "SQL for a role of dbadmin's own that is no superuser",
    description: `Prints what a superuser runs once, on PostgreSQL 16 or later, so that roles apply works without one: the role, ADMIN OPTION on the
roles that the file declares and that are there already, membership in those that own things, CREATE where schemas are made. At its
end stand the things that this role can never do, each with the line of the file that asks for it. Changes nothing.

The role has no password: give it one, or let it in by peer or certificate.

$ dbadmin roles bootstrap | psql -X -d postgres
$ dbadmin roles bootstrap --role deploy_roles`,
    options: [ROLES_FILE, { flags: '--role <name>', summary: 'what to call it', fallback: 'dbadmin' }],
    json: [
      'role; server: major version',
      'statements: array of { database: where to run it, sql, why }',
      'cannot: array of sentences: what this role cannot do without a superuser',
    ],
    load: async () => await import('./bootstrap.ts'),
  },
];
