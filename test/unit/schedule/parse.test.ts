import { expect, test } from 'vitest';
import { DbadminError } from '../../../src/base/errors.ts';
import { parsePolicies, type ParsePoliciesOptions } from '../../../src/schedule/parse.ts';

const KNOWN = { clusters: new Set(['main']), repositories: new Set(['local', 'offsite']) };

function parse(text: string, options: Partial<ParsePoliciesOptions> = {}) {
  return parsePolicies(text, { file: 'policies.yaml', env: {}, localZone: 'UTC', known: KNOWN, ...options });
}

function problemsOf(text: string, options: Partial<ParsePoliciesOptions> = {}): readonly string[] {
  try {
    parse(text, options);
  } catch (error) {
    if (!(error instanceof DbadminError)) throw error;
    expect(error.code).toBe('policies-invalid');
    return (error.detail ?? '').split('\n').map((line) => line.replace('policies.yaml:', ''));
  }
  throw new Error('the policies were accepted');
}

const COMPLETE = `version: 1
repositories:
  local:   { type: disk, path: /srv/backup, encryption: { passphrase: { from: env, name: PASSPHRASE } } }
  offsite: { type: s3, bucket: "\${UNSET_BUCKET}", region: eu-west-1, object_lock: 30d }
policies:
  listening:
    cluster: main
    repositories: [local, offsite]
    base:
      full: { cron: "0 2 1 * *", timezone: Asia/Kolkata }
      incremental: { cron: "0 2 * * *", timezone: Asia/Kolkata, retries: 3, retry_delay: 5m, catch_up: true }
    wal: { mode: stream, rpo: 5s }
    dump: { cron: "30 3 * * 0", databases: [listening], format: custom }
    retention: { window: 14d, keep: { daily: 7, weekly: 5, monthly: 12, yearly: 3 }, minimum: 2 }
    verify: { cron: "0 5 * * 6", sample: 5% }
    drill: { cron: "0 4 * * 0", target: random, assert: [{ sql: "select count(*) > 0 from core.play", is: true }] }
    limits: { rate: 200MB/s, backup_age: 26h, wal_lag: 60s, drill_age: 8d }
    notify: [{ webhook: "\${OPS_WEBHOOK}", on: [failed, late, recovered] }, { email: dba@example.org, on: [failed] }]
jobs:
  recent: { command: spotify fetch recent, cron: "*/25 * * * *", catch_up: false, for: 30d }
  marts: { call: mart.refresh(), after: [recent] }
  tidy: { sql: "delete from raw.seen", cron: "@daily", cluster: main, database: x, from: 2026-12-01, until: 2026-12-24T18:00+05:30 }
`;

test('E1: policies: a complete file is read in full', () => {
  const { policies, jobs } = parse(COMPLETE, { env: { OPS_WEBHOOK: 'https://ops.example.org/x' }, localZone: 'Europe/Berlin' });
  expect(policies.get('listening')).toEqual({
    name: 'listening',
    cluster: 'main',
    labels: [],
    dumpsOnly: false,
    dump: { databases: ['listening'], excluded: [], spool: undefined },
    repositories: ['local', 'offsite'],
    wal: { mode: 'stream', rpoMs: 5000, required: ['local', 'offsite'] },
    retention: {
      windowMs: 14 * 86_400_000,
      keep: { last: 0, hourly: 0, daily: 7, weekly: 5, monthly: 12, yearly: 3 },
      minimum: 2,
      dumps: undefined,
      expire: 'auto',
      timeZone: 'Europe/Berlin',
    },
    limits: { rateBytesPerSecond: 200e6, backupAgeMs: 26 * 3_600_000, walLagMs: 60_000, drillAgeMs: 8 * 86_400_000 },
    notify: [
      { kind: 'webhook', url: 'https://ops.example.org/x', on: ['failed', 'late', 'recovered'] },
      { kind: 'email', address: 'dba@example.org', on: ['failed'] },
    ],
  });
  expect(jobs.map(({ name }) => name)).toEqual([
    'listening.full',
    'listening.incremental',
    'listening.dump',
    'listening.verify',
    'listening.drill',
    'recent',
    'marts',
    'tidy',
  ]);
  const job = (name: string) => jobs.find((candidate) => candidate.name === name);
  expect(job('listening.incremental')).toMatchObject({
    work: { kind: 'backup', type: 'incremental', cluster: 'main' },
    trigger: { kind: 'times', recurrence: { cron: '0 2 * * *', timeZone: 'Asia/Kolkata' } },
    catchUp: 'once',
    retries: 3,
    retryDelayMs: 300_000,
  });
  expect(job('listening.dump')).toMatchObject({
    work: { databases: ['listening'], format: 'custom' },
    trigger: { recurrence: { timeZone: 'Europe/Berlin' } },
  });
  expect(job('listening.verify')?.work).toMatchObject({ sampleShare: 0.05 });
  expect(job('listening.drill')?.work).toMatchObject({
    target: 'random',
    assertions: [{ sql: 'select count(*) > 0 from core.play', is: true }],
  });
  expect(job('recent')).toMatchObject({ catchUp: 'none', period: { lengthMs: 30 * 86_400_000 } });
  expect(job('marts')).toMatchObject({ work: { kind: 'call', call: 'mart.refresh()' }, trigger: { kind: 'after', jobs: ['recent'] } });
  expect(job('tidy')?.period).toEqual({ from: new Date('2026-11-30T23:00Z'), until: new Date('2026-12-24T12:30Z'), lengthMs: undefined });
});

test('policies: all problems of a file are told at once, located', () => {
  const text = `version: 2
timezone: Asia/Calcuta
policies:
  listening:
    cluster: mian
    repositories: [local, offside]
    base:
      full: { cron: "0 2 * *", timezon: UTC }
      incremental: { cron: "0 2 L * *", retries: -1 }
    wal: { mode: streaming, rpo: fast }
    dump: { databases: 7, format: tar }
    retention: { window: 2 weeks ago, keep: { dayly: 7 }, minimum: 0 }
    verify: { cron: "0 25 * * 6", sample: 5 }
    drill: { cron: "0 0 30 2 *", assert: [{ sql: "select 1" }] }
    limits: { rate: 200MB, backup_age: 26 }
    notify: [{ on: [broken] }, { webhook: "\${OPS_WEBHOOK}", email: x }]
jobs:
  recent: { command: x, sql: y, cron: "* * * * *", for: 3d, until: tomorrow }
  marts: { call: mart.refresh, after: [recnt] }
  idle: {}
  idle: {}
`;
  expect(problemsOf(text)).toEqual([
    '1:10: version must be 1, the only one this dbadmin knows',
    '2:11: not a time zone: write an IANA name such as Asia/Kolkata or UTC',
    '5:14: cluster "mian" is not defined in dbadmin.yaml, did you mean "main"?',
    '6:27: repository "offside" is not defined in dbadmin.yaml, did you mean "offsite"?',
    '8:21: a cron line has five fields (minute hour day month weekday), this has 4',
    '8:32: unknown key "timezon", did you mean "timezone"?',
    '9:28: "L" is no cron field: numbers, names, *, -, / and commas',
    '9:50: must be 0 or more',
    '10:18: expected one of stream, archive, none, did you mean "stream"?',
    '10:34: not a duration: write numbers with ms, s, m, h, d or w, such as 5s, 14d or 1h30m',
    '11:5: give either cron or after',
    '11:24: expected all, or a list of databases',
    '11:35: expected one of custom, directory',
    '12:26: not a duration: write numbers with ms, s, m, h, d or w, such as 5s, 14d or 1h30m',
    '12:47: unknown key "dayly", did you mean "daily"?',
    '12:68: must be 1 or more',
    '13:21: invalid value for hour: 25',
    '13:43: expected text, found a number',
    '14:20: this time never comes',
    '14:43: "is" is missing',
    '15:21: not a rate: write a size a second, such as 200MB/s',
    '15:40: expected text, found a number',
    '16:14: give either webhook or email',
    '16:21: expected one of failed, late, recovered',
    '16:32: give either webhook or email',
    '16:68: not an e-mail address',
    '18:3: give one of command, call and sql, not command and sql',
    '18:52: give either until or for',
    '18:68: not a date or time: write 2026-12-21 or 2026-12-21T14:00:00+05:30',
    '19:18: expected a procedure call such as mart.refresh()',
    '19:40: there is no job "recnt", did you mean "recent"?',
    '20:3: give either cron or after',
    '20:3: give one of command, call and sql',
    '21:3: duplicate key "idle"',
  ]);
});

test('a rate that the server does not take is refused: every scheduled backup would be', () => {
  const limited = (rate: string): string => `version: 1
policies:
  listening:
    cluster: main
    limits: { rate: ${rate} }
    repositories: [local]
`;
  for (const rate of ['32KiB/s', '1GiB/s']) expect(() => parse(limited(rate))).not.toThrow();
  for (const rate of ['31kB/s', '2GB/s'])
    expect(problemsOf(limited(rate))).toEqual(['5:21: not a rate that PostgreSQL takes: 32KiB/s to 1GiB/s; without one there is no limit']);
});

test.each([
  [
    'jobs that wait for each other',
    'jobs: { a: { sql: x, after: [b] }, b: { sql: x, after: [c] }, c: { sql: x, after: [a] } }',
    /jobs wait for each other: a → b → c → a/,
  ],
  ['a job that waits for itself', 'jobs: { a: { sql: x, after: [a] } }', /jobs wait for each other: a → a/],
  [
    'two triggers',
    'jobs: { b: { sql: x, cron: "@daily" }, a: { sql: x, cron: "@daily", after: [b] } }',
    /give either cron or after, not both/,
  ],
  [
    'a zone without times',
    'jobs: { b: { sql: x, cron: "@daily" }, a: { sql: x, after: [b], timezone: UTC } }',
    /a time zone goes with cron/,
  ],
  [
    'a period that ends before it begins',
    'jobs: { a: { sql: x, cron: "@daily", from: 2026-12-02, until: 2026-12-01 } }',
    /until comes before from/,
  ],
  ['a day that does not exist', 'jobs: { a: { sql: x, cron: "@daily", from: 2026-02-30 } }', /not a date or time/],
  [
    'an incremental without a full',
    'policies: { p: { cluster: main, repositories: [local], base: { incremental: { cron: "@daily" } } } }',
    /incremental needs full/,
  ],
  [
    'WAL without a base backup',
    'policies: { p: { cluster: main, repositories: [local], base: none, wal: { mode: stream } } }',
    /WAL without a base backup/,
  ],
  ['a policy that keeps nowhere', 'policies: { p: { cluster: main, repositories: [] } }', /needs at least 1/],
  [
    'jobs of a dump in one file',
    'policies: { p: { cluster: main, repositories: [local], dump: { cron: "@daily", jobs: 4 } } }',
    /only format: directory/,
  ],
  [
    'a dump as SQL text',
    'policies: { p: { cluster: main, repositories: [local], dump: { cron: "@daily", format: plain } } }',
    /expected one of custom, directory/,
  ],
  [
    'a spool that depends on where it is run',
    'policies: { p: { cluster: main, repositories: [local], dump: { cron: "@daily", spool: spool } } }',
    /absolute path/,
  ],
  [
    'an exclusion from a list',
    'policies: { p: { cluster: main, repositories: [local], dump: { cron: "@daily", databases: [a], exclude: [b] } } }',
    /exclude takes databases out of all/,
  ],
  ['a span that ends at no moment', 'jobs: { a: { sql: x, cron: "@daily", for: 99999999d } }', /must be 36500d, a hundred years, or less/],
  [
    'a window beyond all dates',
    `policies: { p: { cluster: main, repositories: [local], retention: { window: ${'9'.repeat(400)}d } } }`,
    /must be 36500d, a hundred years, or less/,
  ],
  ['a limit that is no span', 'jobs: { a: { sql: x, cron: "@daily", retry_delay: soon } }', /: not a duration/],
  ['seconds in a cron line', 'jobs: { a: { sql: x, cron: "0 0 2 * * *" } }', /five fields .* this has 6/],
  ['an @reboot', 'jobs: { a: { sql: x, cron: "@reboot" } }', /five fields/],
])('policies: %s is refused', (_name, text, message) => {
  expect(problemsOf(`version: 1\n${text}\n`)).toEqual([expect.stringMatching(message)]);
});

test('policies: a policy without a base backup keeps dumps only', () => {
  const { policies, jobs } = parse(
    'version: 1\npolicies: { p: { cluster: main, repositories: [local], base: none, dump: { cron: "@weekly" } } }\n',
  );
  expect(policies.get('p')?.wal.mode).toBe('none');
  expect(jobs.map(({ name, work }) => [name, work.kind])).toEqual([['p.dump', 'dump']]);
});

test('policies: a webhook named by source is kept as such until it is needed', () => {
  const { policies } = parse(
    'version: 1\npolicies: { p: { cluster: main, repositories: [local], notify: [{ webhook: { from: env, name: HOOK } }] } }\n',
  );
  expect(policies.get('p')?.notify).toEqual([{ kind: 'webhook', url: { from: 'env', name: 'HOOK' }, on: ['failed', 'late', 'recovered'] }]);
});

test('policies: wal.required names repositories of the policy', () => {
  const policy = (required: string): string =>
    `version: 1\npolicies:\n  p: { cluster: main, repositories: [local, offsite], base: {}, wal: { required: ${required} } }\n`;
  expect(parse(policy('[local]')).policies.get('p')?.wal.required).toEqual(['local']);
  expect(parse(policy('all')).policies.get('p')?.wal.required).toEqual(['local', 'offsite']);
  expect(problemsOf(policy('[local, elsewhere]'))).toEqual([expect.stringMatching(/not one of the policy's repositories: elsewhere$/)]);
});

test('policies: a whole number of an assertion that cannot be told from its neighbours is refused, and taken as text', () => {
  const asking = (is: string): string =>
    `version: 1\npolicies:\n  p:\n    cluster: main\n    repositories: [local]\n    drill: { cron: "@daily", assert: [{ sql: select 1, is: ${is} }] }\n`;
  expect(problemsOf(asking('9007199254740993'))).toEqual([expect.stringMatching(/^6:\d+: .*9007199254740991.*in quotes/)]);
  expect(problemsOf(asking('-9007199254740993'))).toHaveLength(1);
  for (const is of ['9007199254740991', '1.5', "'9007199254740993'", 'null']) expect(parse(asking(is)).jobs).toHaveLength(1);
});
