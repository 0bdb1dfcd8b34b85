import type { CommandSpec, OptionSpec } from '../command.ts';
import { PLAN_JSON, ROLES_FILE } from './group.ts';

const ROUTES = 'now, set-role, view (which reads as its owner), routine (SECURITY DEFINER) or admin (it may grant itself the role)';

const PAST_OPTIONS: readonly OptionSpec[] = [
  {
    flags: '--at <time>',
    summary: 'as it was: "2026-11-20 14:03:07+05:30", local without an offset, or "5 minutes ago"; restores a backup',
  },
  { flags: '--repository <name>', summary: 'with --at: the repository to restore from', fallback: 'the first of the cluster' },
  { flags: '--scratch <dir>', summary: 'with --at: where the restored cluster is laid down for the time of the question' },
];

/** What is asked of effective access: who can, and whether what must not be is so. */
export const ROLES_ACCESS_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'roles check',
    summary: 'is the cluster as roles.yaml says, and does no never rule break? for CI and monitoring',
    description: `Three things in one: the plan, in one line per difference; the rules under never:, held against what roles can really do,
at once and after SET ROLE, now and after the plan; and what in the file is allowed and seldom meant. A remark on the file that
is meant so is accepted in it, with a reason: audit: { accept: [{ finding: granted-to-login, on: svc_api, reason: … }] }.

A privilege breaks a never rule without USAGE on the schema too. What a SECURITY DEFINER function or a view gives out breaks none;
roles who-can shows it.

Exit 0 in sync, with no rule broken and no remark of --severity or more, 2 otherwise.

$ dbadmin roles check || mail -s 'roles drifted' dba
$ dbadmin roles check --format junit > roles.xml`,
    options: [
      ROLES_FILE,
      { flags: '--format <format>', summary: 'how findings are printed', choices: ['text', 'github', 'junit', 'json'], fallback: 'text' },
      {
        flags: '--severity <severity>',
        summary: 'the least remark on the file that fails',
        choices: ['notice', 'warning', 'error'],
        fallback: 'warning',
      },
      { flags: '--rules', summary: 'list what is looked for in the file' },
    ],
    json: [
      ...PLAN_JSON,
      'findings: array of { kind: drift, never or lint, rule, severity: notice, warning or error, file, line, column, message, safe }',
      'checked: { never: how many rules, lint: how many }',
      'failed: whether something makes it exit 2',
      'rules: with --rules alone, array of { name, severity, summary }',
    ],
    load: async () => await import('./check.ts'),
  },
  {
    name: 'roles who-can',
    summary: 'who can really do something with an object, and why',
    description: `Answers for every role that logs in, from the catalog: its own privileges, those it inherits or has after SET ROLE, PUBLIC's,
the owner's, those of predefined roles and superusers, and what views and SECURITY DEFINER functions let it do as their owner.
Without CONNECT on the database or USAGE on the schema the answer is no, and says so. Nothing is written.

The object may be a column (core.listener.email) or have its kind in front (schema core, routine "core.merge(bigint, text)").
With --role alone, everything that role may do is listed. --what-if answers for the cluster as the plan of a roles file would leave
it. --at restores a backup to that moment where nobody else can reach it, asks it, and removes it.

$ dbadmin roles who-can select core.listener.email
$ dbadmin roles who-can update core.play --role svc_api --explain
$ dbadmin roles who-can --role svc_api
$ dbadmin roles who-can select core.listener.email --what-if roles/roles.yaml
$ dbadmin roles who-can select core.listener.email --at "2026-11-17 14:00"`,
    args: [
      {
        form: '[privilege]',
        summary:
          'select, insert, update, delete, truncate, references, trigger, maintain, usage, create, connect, temporary, execute, set or alter_system',
      },
      { form: '[object...]', summary: 'schema.name, schema.table.column, or a kind and a name' },
    ],
    options: [
      { flags: '--role <name>', summary: 'ask about this role alone; without a privilege, list all it may do' },
      { flags: '--explain', summary: 'show every way, also those that are no more than possible' },
      { flags: '--database <name>', summary: 'the database the object is in', fallback: 'that of the connection' },
      { flags: '--what-if [file]', summary: 'as the plan of this roles file would leave it (default: paths.roles of the configuration)' },
      ...PAST_OPTIONS,
    ],
    json: [
      'cluster, database; at: the moment asked about, or null; whatIf: the roles file, or null',
      'privilege; object: { kind, schema or null, name, column or null }',
      `answers: array of { role, can: yes, set-role, view, routine, admin or no, holds: as has_*_privilege answers, how: text or null, ways: array of { kind: ${ROUTES}, text, path: array of { by: inherit, set-role, database-owner, admin, public, grant, owner, superuser, predefined, view or routine, from, to, and of a membership inherit, set, admin, grantors, of a grant privilege, column, grantor, grantable }, cut: array of statements that end this way }, lacks: array such as USAGE on schema core, remarks: array; with --what-if, after: the same after the plan, or null }`,
      'with --role alone instead of these: role; superuser: array of the superusers it is or may become; mayGrantItself: array of roles; access, and with --what-if after: array of { setRole: role to become first, or null, kind, schema or null, table: of columns, or null, names: array, total: how many there are of the kind, privileges: array, how, usable: false without USAGE on the schema }',
    ],
    load: async () => await import('./who-can.ts'),
  },
  {
    name: 'roles matrix',
    summary: 'what every role may do with every object, in the letters of PostgreSQL',
    description: `The privileges that roles really have, for the whole database at once: r SELECT, a INSERT, w UPDATE, d DELETE, D TRUNCATE,
x REFERENCES, t TRIGGER, m MAINTAIN, U USAGE, C CREATE, c CONNECT, T TEMPORARY, X EXECUTE, s SET, A ALTER SYSTEM. For people objects with
which everybody may do the same share a line; --format csv has a line for each object and a column for each role.

In a cell of --json each privilege of the kind, in the order of its letters, has a mark: o owner, g granted to the role itself, s superuser,
i inherited, d through a predefined role such as pg_read_all_data, p PUBLIC, t only after SET ROLE, c on some columns, - not. Of o to p, which
has_*_privilege calls true, a capital says that it may be granted on. Behind them ! means that USAGE on the schema is missing, and ~ that
policies decide about the rows. Views and functions that act as their owner are not in it: roles who-can shows those.

--what-if and --at as in roles who-can. Nothing is written.

$ dbadmin roles matrix --schema core --kind table
$ dbadmin roles matrix --role 'svc_*' --format csv > access.csv
$ dbadmin roles matrix --what-if`,
    options: [
      { flags: '--role <glob>', summary: 'these roles only', repeatable: true },
      { flags: '--predefined', summary: 'the roles of the server too (pg_*)' },
      { flags: '--schema <glob>', summary: 'these schemas and what is in them', repeatable: true },
      {
        flags: '--kind <kind>',
        summary: 'these kinds of objects: schema, table (views too), sequence, routine, type, database …',
        repeatable: true,
      },
      { flags: '--name <glob>', summary: 'objects of these names, with their schema or without', repeatable: true },
      { flags: '--database <name>', summary: 'the database to look into', fallback: 'that of the connection' },
      {
        flags: '--what-if [file]',
        summary: 'also as the plan of this roles file would leave it (default: paths.roles of the configuration)',
      },
      { flags: '--format <format>', summary: 'how it is printed', choices: ['text', 'csv'], fallback: 'text' },
      ...PAST_OPTIONS,
    ],
    json: [
      'cluster, database; at: the moment asked about, or null; whatIf: the roles file, or null; server: major version',
      'databases: array of names of the databases of the cluster',
      'letters: by kind of object, the letter of each privilege in the order of the marks in a cell',
      'roles: array of { name, kind: group, login or predefined, superuser, validUntil or null, memberOf: array of roles, change: added or dropped by the plan, or null }',
      'objects: array of { kind, schema or null, owner, rowSecurity, names: array, row: which of rows it has, after: which after the plan, or null where it stays the same }',
      'cells: array of texts, a mark for each privilege; empty for a role that is not there',
      'width: of a row, how many characters each role has; rows: array of texts: for each role, in order, the number of its cell in base 36',
    ],
    load: async () => await import('./matrix.ts'),
  },
];
