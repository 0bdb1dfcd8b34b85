import type { CommandSpec } from '../command.ts';

export const LINT_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'migrate lint',
    summary: 'what in migrations would block, lose or break something',
    description: `Reads the pending migrations and changed routines (or the files named), also inside DO blocks, bodies of routines and EXECUTE of
constant texts, and says of each dangerous statement who would wait for it, why, and what to write instead. Tables that the same
file makes are passed over: nobody waits for them.

With a database the severity goes by the size of the table: what takes a moment on a small table is a notice, what reads or writes
10 MB or more while others wait a warning, 1 GB or more an error; changes of type that cost nothing are passed over. Without one
(--offline) most are warnings, and all files are read. "dbadmin migrate up" looks too: it warns, and refuses what is an error.

A file says itself what is meant so, before its first statement, with a reason: -- dbadmin: allow rename -- nothing reads it yet

Exit 0 when nothing reaches --severity, 2 when something does, 1 when lint could not be done.

$ dbadmin migrate lint
$ dbadmin migrate lint --offline sql/migrations/20261121T093000_add_device_family.sql
$ dbadmin migrate lint --offline --format sarif > lint.sarif`,
    args: [{ form: '[files...]', summary: 'files to look at; without any, what is pending' }],
    options: [
      { flags: '--offline', summary: 'ask no database; without files, look at all' },
      { flags: '--format <format>', summary: 'how findings are printed', choices: ['text', 'json', 'github', 'sarif'], fallback: 'text' },
      { flags: '--severity <severity>', summary: 'the least that fails', choices: ['notice', 'warning', 'error'], fallback: 'warning' },
      { flags: '--rule <id>', summary: 'look for this rule only', repeatable: true },
      { flags: '--rules', summary: 'list the rules, with why and what is safe' },
    ],
    json: [
      'findings: array of { rule, severity: notice, warning or error, file, line, column, statement: number or null, message, blocked: who waits, or null, why, safe: what to write instead, relation or null, lock: mode or null, work: none, scan, build, rewrite or null, inside: array such as DO, EXECUTE }',
      'counts: { notice, warning, error }',
      'files: how many were read',
      'statements: how many they hold',
      'database: whose sizes and types were asked, or null',
      'failed: whether a finding reaches --severity',
      'rules: with --rules alone, array of { id, summary, why, safe }',
    ],
    load: async () => await import('./lint.ts'),
  },
];
