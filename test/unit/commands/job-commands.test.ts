import { expect, test } from 'vitest';
import { commandNames, commandsOf } from '../../../src/commands/schedule/job-commands.ts';
import { parsePolicies } from '../../../src/schedule/parse.ts';

const KNOWN = new Set(['backup run', 'backup dump', 'backup verify', 'backup drill', 'spotify fetch', 'migrate', 'restore']);

function commands(text: string) {
  const policies = parsePolicies(`version: 1\n${text}\n`, { file: 'policies.yaml', env: {}, localZone: 'UTC' });
  const [job] = policies.jobs;
  if (job === undefined) throw new Error('there is no job');
  return commandsOf(job, policies, KNOWN);
}

function ofPolicy(keys: string): string {
  return `policies: { p: { cluster: main, repositories: [local, offsite], limits: { rate: 200MB/s }, ${keys} } }`;
}

test('a backup runs once for all repositories of its policy, at its rate', () => {
  const words = (type: string) => [
    'backup',
    'run',
    '--cluster',
    'main',
    '--type',
    type,
    '--max-rate',
    '200000000',
    '--repository',
    'local',
    '--repository',
    'offsite',
  ];
  expect(commands(ofPolicy('base: { full: { cron: "@daily" } }'))).toEqual({ kind: 'commands', commands: [words('full')] });
  const policies = parsePolicies(`version: 1\n${ofPolicy('base: { full: { cron: "@weekly" }, incremental: { cron: "@daily" } }')}\n`, {
    file: 'policies.yaml',
    env: {},
    localZone: 'UTC',
  });
  const incremental = policies.jobs.find(({ name }) => name === 'p.incremental');
  expect(incremental === undefined ? undefined : commandsOf(incremental, policies, KNOWN)).toEqual({
    kind: 'commands',
    commands: [words('incremental')],
  });
});

test('a verification reads the share of its policy, a drill aims where its policy says and asks its assertions', () => {
  expect(commands(ofPolicy('verify: { cron: "@daily", sample: 0.7% }'))).toMatchObject({
    commands: ['local', 'offsite'].map((name) => ['backup', 'verify', '--cluster', 'main', '--sample', '0.7%', '--repository', name]),
  });
  expect(commands(ofPolicy('verify: { cron: "@daily" }'))).toMatchObject({
    commands: [['backup', 'verify', '--cluster', 'main', '--repository', 'local'], expect.anything()],
  });
  expect(commands(ofPolicy('drill: { cron: "@daily", target: random }'))).toMatchObject({
    commands: [['backup', 'drill', '--cluster', 'main', '--target', 'random', '--policy', 'p', '--repository', 'local'], expect.anything()],
  });
});

test('a dump of all names those that it leaves out', () => {
  expect(commands(ofPolicy('dump: { cron: "@daily", exclude: [rdsadmin] }'))).toMatchObject({
    commands: [
      ['backup', 'dump', '--cluster', 'main', '--exclude-database', 'rdsadmin', '--repository', 'local'],
      ['backup', 'dump', '--cluster', 'main', '--exclude-database', 'rdsadmin', '--repository', 'offsite'],
    ],
  });
});

test('a dump names its databases', () => {
  expect(commands(ofPolicy('dump: { cron: "@daily", databases: [a, "b c"] }'))).toMatchObject({
    commands: [
      ['backup', 'dump', '--cluster', 'main', '--database', 'a', '--database', 'b c', '--repository', 'local'],
      ['backup', 'dump', '--cluster', 'main', '--database', 'a', '--database', 'b c', '--repository', 'offsite'],
    ],
  });
});

test('a dump by several connections says so, and where it lies meanwhile', () => {
  expect(commands(ofPolicy('dump: { cron: "@daily", format: directory, jobs: 2, spool: /srv/spool }'))).toMatchObject({
    commands: ['local', 'offsite'].map((repository) =>
      `backup dump --cluster main --format directory --jobs 2 --spool /srv/spool --repository ${repository}`.split(' '),
    ),
  });
});

test.each([
  ['spotify fetch recent', ['spotify', 'fetch', 'recent']],
  ['spotify fetch "two words" \'$HOME\' a\\ b', ['spotify', 'fetch', 'two words', '$HOME', 'a b']],
  ['migrate --quiet', ['migrate', '--quiet']],
  ['restore --into x', ['restore', '--into', 'x']],
])('the command %s is split into words, and no shell reads it', (text, words) => {
  expect(commands(`jobs: { j: { command: ${JSON.stringify(text)}, cron: "@daily" } }`)).toEqual({ kind: 'commands', commands: [words] });
});

test('a command runs on the cluster of its job', () => {
  expect(commands('jobs: { j: { command: migrate, cluster: other, cron: "@daily" } }')).toMatchObject({
    commands: [['migrate', '--cluster', 'other']],
  });
});

test('a call and SQL run in the database, not in a process', () => {
  expect(commands('jobs: { j: { call: mart.refresh(), database: d, cron: "@daily" } }')).toEqual({
    kind: 'sql',
    sql: 'CALL mart.refresh()',
    cluster: undefined,
    database: 'd',
  });
});

test('a group with a default command is a command too', () => {
  const load = async () => await Promise.reject(new Error('not loaded'));
  const names = commandNames([
    { name: 'migrate up', summary: '', isDefault: true, load },
    { name: 'roles plan', summary: '', load },
  ]);
  expect([...names]).toEqual(['migrate up', 'migrate', 'roles plan']);
});
