import { expect, test } from 'vitest';
import { judgeProject } from '../../../src/status/conditions.ts';
import { clusterLines, jobLines } from '../../../src/status/describe.ts';
import { statusDocument } from '../../../src/status/document.ts';
import { expositionText } from '../../../src/status/exposition.ts';
import type { ProjectFacts } from '../../../src/status/facts.ts';
import { nagiosPlugin } from '../../../src/status/nagios.ts';
import { prometheusText } from '../../../src/status/prometheus.ts';
import { describeWhen } from '../../../src/status/when.ts';
import {
  ago,
  AWAY,
  clusterFacts,
  DAY,
  HOUR,
  jobFacts,
  lineageFacts,
  NO_LIMITS,
  NOW,
  projectFacts,
  repositoryFacts,
} from './project-facts.ts';

const plugin = (facts: ProjectFacts) => nagiosPlugin(facts, judgeProject(facts));
const late = { limits: { ...NO_LIMITS, backupAgeMs: 1000 } };

test.each<[string, ProjectFacts, number, RegExp]>([
  ['all is well', projectFacts(), 0, /^DBADMIN OK - main: lose <= 6\.0 s, back in 6 min 47 s \| /],
  ['something is over its limit', projectFacts({ clusters: [clusterFacts(late)] }), 1, /^DBADMIN WARNING - 1 wrong; main: /],
  [
    'something does not work',
    projectFacts({ clusters: [clusterFacts({ ...late, server: { kind: 'unknown', why: 'off' } })] }),
    2,
    /^DBADMIN CRITICAL - 2 wrong; /,
  ],
  ['a repository is away', projectFacts({ clusters: [clusterFacts({ repositories: [AWAY] })] }), 2, /loss not known/],
  ['there is nothing to look at', projectFacts({ clusters: [] }), 3, /^DBADMIN UNKNOWN - 0 not known/],
])('nagios: %s', (_what, facts, status, text) => {
  const result = plugin(facts);
  expect(result.status).toBe(status);
  expect(result.text).toMatch(text);
});

test('nagios: figures have the form of the plugin guidelines, and no text of ours breaks their line', () => {
  const text = plugin(
    projectFacts({
      clusters: [
        clusterFacts({
          ...late,
          repositories: [repositoryFacts(lineageFacts()), { ...AWAY, state: { kind: 'unknown', why: 'a | b\nc' } }],
        }),
      ],
    }),
  ).text;
  const [first = '', ...rest] = text.trimEnd().split('\n');
  expect(first.split('|')).toHaveLength(2);
  expect(rest.every((line) => /^(CRITICAL|WARNING) main: [^|]+$/.test(line))).toBe(true);
  const figures = (first.split(' | ')[1] ?? '').split(' ');
  expect(figures.length).toBeGreaterThan(5);
  for (const figure of figures) expect(figure).toMatch(/^'[\w-]+'=\d+(\.\d+)?(s|B);(\d+(\.\d+)?)?;;0;$/);
  expect(first).toContain("'main_local_backup_age'=35928.000s;1.000;;0;");
});

test('prometheus: what is known has a sample, what is not has none, and says so by up', () => {
  const facts = projectFacts({
    clusters: [clusterFacts({ repositories: [repositoryFacts(), AWAY], migrations: undefined, server: { kind: 'unknown', why: 'off' } })],
  });
  const text = prometheusText(facts, judgeProject(facts));
  expect(text).toContain('dbadmin_up{cluster="main"} 0\n');
  expect(text).toContain('dbadmin_repository_up{cluster="main",repository="local"} 1\n');
  expect(text).toContain('dbadmin_repository_up{cluster="main",repository="offsite"} 0\n');
  expect(text).toContain(`dbadmin_backup_timestamp_seconds{cluster="main",repository="local"} ${(NOW.getTime() - 35_928_000) / 1000}\n`);
  expect(text).not.toMatch(/dbadmin_(migrations|wal_lag|slot)_/);
  expect(text).not.toMatch(/undefined|NaN|null/);
  expect(text).toContain('dbadmin_condition{kind="server-away",severity="failed",cluster="main",subject=""} 1\n');
  expect(text).not.toContain('kind="backup-late",severity="late",cluster="main",subject="offsite"');
});

test('prometheus: names of jobs and places may hold anything', () => {
  expect(expositionText([{ name: 'a', help: 'one\ntwo \\', samples: [{ labels: { job: 'a"b\\c\nd' }, value: 1 }] }])).toBe(
    '# HELP a one\\ntwo \\\\\n# TYPE a gauge\na{job="a\\"b\\\\c\\nd"} 1\n',
  );
});

test('status: every line of a cluster says something, also where nothing is known', () => {
  const shown = { now: NOW, timeZone: 'UTC', full: (at: Date) => at.toISOString() };
  const blind = clusterFacts({
    server: { kind: 'unknown', why: 'it is off' },
    repositories: [
      AWAY,
      repositoryFacts(
        lineageFacts({ stretches: [], newest: undefined, newestFull: undefined, drill: undefined, measured: undefined, backups: 0 }),
      ),
    ],
    migrations: { kind: 'unknown', why: 'the server does not answer' },
    roles: undefined,
  });
  const jobs = [jobFacts({ last: { kind: 'unknown', why: 'no worker keeps records of it' } })];
  const lines = clusterLines(blind, jobs, shown).map(([label, text]) => `${label}: ${text}`);
  expect(lines).toEqual([
    'server: not known: it is off',
    'repository: offsite   not known, it cannot be read: it is not mounted',
    'repository: local   ok, 41.0 GB, 200 GB free, 200 days until full (/srv/backup)',
    'restorable: nothing: no backup has its WAL complete; no gaps',
    'backups: none',
    'wal: how far it is behind is not known',
    'drill: none yet: nothing here has ever been restored to see whether it can be (dbadmin backup drill --repository local)',
    'migrations: not known: the server does not answer',
    'schedule: listening.incremental: last run not known: no worker keeps records of it; next tomorrow 02:00 (in 14 h)',
  ]);
});

test('status: a clock other than that of the other lines is named with the times of a job', () => {
  const shown = { now: NOW, timeZone: 'UTC', full: (at: Date) => at.toISOString() };
  const last = {
    kind: 'known',
    value: { startedAt: ago(9 * HOUR), endedAt: ago(9 * HOUR), outcome: 'succeeded', message: undefined },
  } as const;
  const [line] = jobLines([jobFacts({ last, lastSuccess: undefined, nextAt: ago(-8.5 * HOUR), timeZone: 'Asia/Kolkata' })], shown);
  expect(line?.[1]).toBe('listening.incremental: last today 08:30 Asia/Kolkata; next tomorrow 02:00 Asia/Kolkata (in 8 h 30 min)');
});

test('status: a job that is done with a warning succeeded, and people are told of it', () => {
  const shown = { now: NOW, timeZone: 'UTC', full: (at: Date) => at.toISOString() };
  const value = { startedAt: ago(60), endedAt: ago(50), outcome: 'succeeded', message: 'nothing older expired' } as const;
  const job = jobFacts({ last: { kind: 'known', value }, lastSuccess: undefined });
  expect(jobLines([job], shown)[0]?.[1]).toContain('listening.incremental: last today 11:59, with a warning: nothing older expired; ');
  const told = judgeProject(projectFacts({ clusters: [], jobs: [job] })).filter(({ kind }) => kind === 'job-failed');
  expect(told).toMatchObject([
    { state: 'bad', what: expect.stringMatching(/was done 50 s ago, with a warning: nothing older expired$/) as string },
  ]);
});

test.each([
  ['whose period is over', 'Asia/Kolkata', 'no time of it is to come'],
  ['after others', undefined, 'runs after others'],
])('status: a job %s has no next time and says why', (_what, timeZone, why) => {
  const shown = { now: NOW, timeZone: 'UTC', full: (at: Date) => at.toISOString() };
  const [line] = jobLines([jobFacts({ nextAt: undefined, timeZone })], shown);
  expect(line?.[1]).toMatch(new RegExp(`; ${why}$`));
});

test('status: the document for machines has every key, null for what is not there and the reason for what is not known', () => {
  const facts = projectFacts({ clusters: [clusterFacts({ repositories: [AWAY], roles: undefined })] });
  const text = JSON.stringify(statusDocument(facts, judgeProject(facts)), (_key, value: unknown) =>
    typeof value === 'bigint' ? String(value) : value,
  );
  const [cluster] = (JSON.parse(text) as { clusters: readonly Record<string, unknown>[] }).clusters;
  expect(cluster).toMatchObject({ roles: null, restore: null, loss: { kind: 'unknown', lossMs: null }, limits: { rtoMs: null } });
  expect(cluster?.['repositories']).toMatchObject([{ name: 'offsite', walLag: null, state: { unknown: 'it is not mounted' } }]);
});

test.each([
  [ago(60), 'today 11:59'],
  [ago(DAY), 'yesterday 12:00'],
  [ago(-DAY), 'tomorrow 12:00'],
  [ago(4 * DAY), 'Tuesday 12:00'],
  [ago(7 * DAY), 'Sat 14 Nov 2026 12:00'],
])('when: %s', (moment, text) => {
  expect(describeWhen(moment, NOW, 'UTC')).toBe(text);
});
