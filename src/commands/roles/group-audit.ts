import type { CommandSpec } from '../command.ts';

export const ROLES_AUDIT_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'roles audit',
    summary: 'ways by which somebody may do more than the privileges look like',
    description: `Looks for escalation paths (who can become superuser, run programs or read files on the host, plant code that others run, read
password verifiers, get around row security) and for logins that are expired, stale, guessable, stored as MD5 or without a limit. Each finding
says who, what the catalog rests it on, and the SQL that closes it. Every database that takes connections is looked into; nothing is changed.

What is meant to be so is accepted in roles.yaml, with a reason and, if it should come up again, until when:
audit: { accept: [{ finding: replication-login, on: svc_backup, reason: takes the backups, until: 2027-06-30 }] }

Exit 0 without findings, 2 with some. docs/reference/audit.md lists them.

$ dbadmin roles audit
$ dbadmin roles audit --severity high --json
$ dbadmin roles audit --format sql > close.sql`,
    options: [
      {
        flags: '--file <path>',
        summary: 'the roles file with what is accepted (default: paths.roles of the configuration, if it is there)',
      },
      { flags: '--database <name>', summary: 'look into this one only', repeatable: true },
      { flags: '--severity <lowest>', summary: 'leave out what is below', choices: ['critical', 'high', 'medium', 'low'], fallback: 'low' },
      { flags: '--stale <duration>', summary: "find logins that the server's log does not show for so long (90d); needs log_connections" },
      { flags: '--format <format>', summary: 'how findings are printed', choices: ['text', 'sql', 'csv', 'html'], fallback: 'text' },
    ],
    json: [
      'cluster: name in the configuration; server: major version; databases: array of names that were looked into',
      'findings: array of { rule, severity: critical, high, medium or low, subject, database or null, message, evidence: array of facts, sql: array of statements that close it, remark or null }',
      'accepted: the same with reason and until (ISO 8601 or null)',
      'counts: { critical, high, medium, low } without what is accepted',
      'notes: array of sentences about what could not be looked at, and about lines of the file that no longer match',
    ],
    load: async () => await import('./audit.ts'),
  },
  {
    name: 'roles rotate',
    summary: 'give a login a new password, prove it, and end the old one',
    description: `Makes a random password, stores its verifier, puts it into the file that roles.yaml takes it from (0600, replaced in one step) and
logs in with it. When that fails the old password is put back. A run that is killed leaves the password that works in the file or in the one
beside it, .next; the next run ends what it began.

PostgreSQL has one password per role: clients that read the old one a moment before are refused. With --with, a second login with the same
groups and settings gets the new password, clients go over to it, and the first one's password ends when it has no sessions any more
(--wait), or by a second run.

$ dbadmin roles rotate svc_api --yes
$ dbadmin roles rotate svc_api --out /run/secrets/svc_api
$ dbadmin roles rotate svc_api_a --with svc_api_b --wait 10m`,
    args: [{ form: '<role>', summary: 'the login' }],
    options: [
      { flags: '--file <path>', summary: 'the roles file (default: paths.roles of the configuration, roles/roles.yaml)' },
      { flags: '--out <path>', summary: 'where the new password goes (default: the file that roles.yaml names)' },
      { flags: '--with <role>', summary: 'the login that clients go over to' },
      { flags: '--wait <duration>', summary: 'wait so long for clients to go over, then end the old password', fallback: '0s' },
      { flags: '--unproven', summary: 'go on where this host may not log in as the role' },
      { flags: '--lock-timeout <duration>', summary: 'how long a statement waits for a lock', fallback: '5s' },
    ],
    json: [
      'cluster: name in the configuration',
      'rotated: array of { role, file, proof: login, verifier or none, oldRefused: true, false or null when it could not be tried, resumed: an earlier run was ended }',
      'retired: the old password is no longer in use; false when clients have yet to go over',
    ],
    load: async () => await import('./rotate.ts'),
  },
];
