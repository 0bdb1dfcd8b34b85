import type { CommandSpec } from '../command.ts';

const SCRATCH = {
  flags: '--scratch <url>',
  summary: 'make a scratch database on this server, which is not production',
  fallback: 'a server of its own, on this machine',
};

/** Tests, and data to test with. */
export const MIGRATE_TEST_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'migrate test',
    summary: 'run the SQL tests of sql/tests, each rolled back',
    description: `Starts an empty server on this machine, applies all migrations, routines and the seeds of sql/seeds/test to it, and runs the
files of sql/tests there one by one, each in a transaction that is rolled back. The configured database is not touched; with
--live the tests run in it instead, as it is, and are rolled back as well: only sequences that they draw from stay drawn, and
locks that they take are held meanwhile. A cluster marked production is refused.

A file passes when nothing in it raises: DO blocks with ASSERT, or any statement that fails. With pgTAP in the database its
assertions are counted and must be as many as planned; a scratch server gets the extension where the machine has it. BEGIN may
stand first and ROLLBACK last; a COMMIT anywhere is refused before anything runs. Exit 1 when a test fails.

$ dbadmin migrate test
$ dbadmin migrate test sql/tests/faults.sql --live
$ dbadmin migrate test --format junit > tests.xml`,
    args: [{ form: '[files...]', summary: 'only these; all of sql/tests otherwise' }],
    options: [
      { flags: '--live', summary: 'run in the configured database instead of a scratch one' },
      SCRATCH,
      { flags: '--major <number>', summary: 'PostgreSQL of the scratch server; the newest on this machine otherwise' },
      { flags: '--seed <environment>', summary: 'seeds to put into the scratch database', fallback: 'test, where it has any' },
      { flags: '--format <form>', summary: 'how to print the results', choices: ['text', 'tap', 'junit'], fallback: 'text' },
    ],
    json: [
      'where: scratch or live',
      'files: array of { file, passed, assertions: array of { number, line, description, passed, directive: todo, skip or null, diagnostics: array of lines }, failure: { line, message, detail or null } or null, tookMs }',
      'counts: { files, passed, failed, assertions: those of pgTAP }',
    ],
    load: async () => await import('./test.ts'),
  },
  {
    name: 'migrate seed',
    summary: 'put the data of sql/seeds/<environment> in',
    description: `Runs each file of the environment's directory that changed since it was put in last, in the order of their names and each in a
transaction of its own with a row in the history. They run again whenever they change, so write them to bear what is there:
INSERT … ON CONFLICT, or DELETE first. Plain up never runs them. A cluster marked production in dbadmin.yaml is refused.

$ dbadmin migrate seed dev`,
    args: [{ form: '<environment>', summary: 'the directory below sql/seeds' }],
    options: [{ flags: '--lock-wait <span>', summary: 'how long to wait for another run', fallback: '5m' }],
    json: [
      'database: name',
      'environment: name',
      'runId: UUID of the rows in the history, or null when there was nothing to do',
      'seeds: array of { name: environment/file, change: new or changed, statements, tookMs }, in the order applied',
      'unchanged: how many were in already',
    ],
    load: async () => await import('./seed.ts'),
  },
];
