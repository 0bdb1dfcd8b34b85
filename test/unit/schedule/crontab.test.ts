import { expect, test } from 'vitest';
import { renderCrontab, type CrontabOptions } from '../../../src/schedule/crontab.ts';
import { parsePolicies } from '../../../src/schedule/parse.ts';
import { formatMoment, nextTimes } from '../../../src/schedule/recurrence.ts';
import { upcomingRuns } from '../../../src/schedule/upcoming.ts';
import { shiftZone } from '../../../src/schedule/zone-shift.ts';

const NOW = new Date('2026-11-21T12:00:00Z');

function schedule(jobs: string, localZone = 'UTC') {
  return parsePolicies(`version: 1\njobs:\n${jobs}`, { file: '/srv/app/policies.yaml', env: {}, localZone });
}

function crontab(jobs: string, options: Partial<CrontabOptions> = {}) {
  return renderCrontab(schedule(jobs, options.localZone), {
    now: NOW,
    localZone: 'UTC',
    convert: false,
    commandOf: ({ name }) => ['/usr/bin/dbadmin', 'schedule', 'run', name, '--config', '/srv/my app/dbadmin.yaml'],
    refusalOf: () => undefined,
    variables: [],
    environmentFile: undefined,
    ...options,
  });
}

test("upcoming: runs of all jobs are merged, soonest first, in the file's order at one moment", () => {
  const { jobs } = schedule(
    '  b: { sql: x, cron: "0 * * * *" }\n  a: { sql: x, cron: "30 13 * * *" }\n  c: { sql: x, cron: "0 13 * * *" }\n',
  );
  expect(upcomingRuns(jobs, NOW, 5).map(({ job, at }) => `${job.name} ${at.toISOString().slice(11, 16)}`)).toEqual([
    'b 13:00',
    'c 13:00',
    'a 13:30',
    'b 14:00',
    'b 15:00',
  ]);
});

test('upcoming: nothing runs before its period, its first moment belongs to it, its last does not', () => {
  const { jobs } = schedule('  a: { sql: x, cron: "@daily", from: 2026-12-01, until: 2026-12-03 }\n');
  expect(upcomingRuns(jobs, NOW, 9).map(({ at }) => at.toISOString().slice(0, 10))).toEqual(['2026-12-01', '2026-12-02']);
});

test('upcoming: a length alone counts from now, beside a beginning from there', () => {
  const { jobs } = schedule('  a: { sql: x, cron: "@daily", for: 2d }\n  b: { sql: x, cron: "0 1 * * *", for: 1d, from: 2027-01-01 }\n');
  expect(upcomingRuns(jobs, NOW, 9).map(({ job, at }) => `${job.name} ${at.toISOString().slice(0, 10)}`)).toEqual([
    'a 2026-11-22',
    'a 2026-11-23',
    'b 2027-01-01',
  ]);
});

test('crontab: a zone is named before the lines it holds for, and the own one again after another', () => {
  const { text } = crontab(
    '  a: { sql: x, cron: "0 1 * * *" }\n  b: { sql: x, cron: "0 2 * * *", timezone: Asia/Kolkata }\n  c: { sql: x, cron: "0 3 * * *" }\n',
  );
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  expect(lines).toEqual([
    "0 1 * * * /usr/bin/dbadmin schedule run a --config '/srv/my app/dbadmin.yaml'",
    'CRON_TZ=Asia/Kolkata',
    "0 2 * * * /usr/bin/dbadmin schedule run b --config '/srv/my app/dbadmin.yaml'",
    'CRON_TZ=UTC',
    "0 3 * * * /usr/bin/dbadmin schedule run c --config '/srv/my app/dbadmin.yaml'",
  ]);
  expect(text).toContain('# CRON_TZ is read by cronie');
});

test('crontab: a job after one other runs in its line, one after several is left out with the reason', () => {
  const { text, lines, omitted } = crontab(
    '  a: { sql: x, cron: "@daily" }\n  b: { call: m.r(), after: [a] }\n  c: { sql: z, after: [b] }\n  d: { sql: y, after: [a, b] }\n',
  );
  expect(lines).toHaveLength(1);
  expect(lines[0]?.jobs).toEqual(['a', 'b', 'c']);
  const config = "--config '/srv/my app/dbadmin.yaml'";
  expect(lines[0]?.line).toBe(
    `0 0 * * * { /usr/bin/dbadmin schedule run a ${config} || [ $? -eq 4 ]; } && { /usr/bin/dbadmin schedule run b ${config} || [ $? -eq 4 ]; } && /usr/bin/dbadmin schedule run c ${config}`,
  );
  expect(omitted).toEqual([{ job: 'd', reason: expect.stringContaining('cron cannot wait for several jobs') }]);
  expect(text).toMatch(/# d: y\n# {3}NOT EXPORTED: it runs after a and b/);
});

test('crontab: a job this dbadmin cannot run is a comment, and so is what follows it', () => {
  const { lines, omitted } = crontab('  a: { sql: x, cron: "@daily" }\n  b: { sql: x, after: [a] }\n', {
    refusalOf: ({ name }) => (name === 'a' ? 'there is no such command yet' : undefined),
  });
  expect(lines).toEqual([]);
  expect(omitted.map(({ job, reason }) => `${job}: ${reason}`)).toEqual([
    'a: there is no such command yet',
    'b: it runs after a, which is not exported either',
  ]);
});

test('crontab: a line about which crons differ is left out with the reason; the days written out are exported', () => {
  const { lines, omitted } = crontab(
    '  a: { sql: x, cron: "0 4 */2 * 1" }\n  b: { sql: x, cron: "0 4 1,3 * 1" }\n  c: { sql: x, cron: "0 4 */2 * *" }\n',
  );
  expect(omitted).toEqual([{ job: 'a', reason: expect.stringContaining('write the days out') as string }]);
  expect(lines.map(({ jobs }) => jobs)).toEqual([['b'], ['c']]);
});

test('crontab: a period becomes a test in front of the command, its percent escaped for cron', () => {
  const { lines } = crontab('  a: { sql: x, cron: "@daily", from: 2026-12-01, for: 30d }\n');
  expect(lines[0]?.line).toContain(String.raw`[ "$(date +\%s)" -ge 1796083200 ] && [ "$(date +\%s)" -lt 1798675200 ] && /usr/bin/dbadmin`);
});

test('crontab: every percent sign of a command is escaped, outside of quotes', () => {
  const { lines } = crontab('  a: { sql: x, cron: "@daily" }\n', { commandOf: () => ['/opt/100%/dbadmin', "it's %"] });
  expect(lines[0]?.line).toBe(String.raw`0 0 * * * /opt/100\%/dbadmin 'it'\''s '\%`);
});

test('crontab: a chain that is longer than cron takes has what its commands share written once', () => {
  const chain = ['a', 'b', 'c', 'd'].map(
    (name, at, all) => `  ${name}: { sql: x, ${at === 0 ? 'cron: "@daily"' : `after: [${all[at - 1] ?? ''}]`} }\n`,
  );
  const commandOf = ({ name }: { readonly name: string }) => [`/opt/${'long/'.repeat(50)}dbadmin`, 'schedule', 'run', name, '--quiet'];
  const { lines, omitted } = crontab(chain.join(''), { commandOf });
  expect(omitted).toEqual([]);
  expect(lines[0]?.line).toMatch(
    /^0 0 \* \* \* job\(\) \{ \S+ schedule run "\$1" --quiet \|\| \[ \$\? -eq 4 \]; \}; job a && job b && job c && job d$/,
  );
  const tooLong = crontab(chain.join(''), { commandOf: ({ name }) => ['x'.repeat(990), 'schedule', 'run', name] });
  expect(tooLong.lines).toEqual([]);
  expect(tooLong.omitted[0]).toEqual({ job: 'a', reason: expect.stringMatching(/10\d\d characters and cron takes 998/) });
});

test('crontab: what the project takes from the environment is named, or read from a file before each job', () => {
  const jobs = '  a: { sql: x, cron: "@daily", until: 2026-12-01 }\n';
  expect(crontab(jobs, { variables: ['APP_URL'] }).text).toContain(
    '# Cron gives none of what the project takes from the environment: APP_URL.',
  );
  const read = crontab(jobs, { variables: ['APP_URL'], environmentFile: '/etc/my app/environment' });
  expect(read.text).not.toContain('APP_URL');
  expect(read.lines[0]?.line).toMatch(/ -lt \d+ \] && set -a && \. '\/etc\/my app\/environment' && \/usr\/bin\/dbadmin /);
});

test('crontab: what catch_up asks is said to be lost', () => {
  expect(crontab('  a: { sql: x, cron: "@daily", catch_up: true }\n').text).toContain('catch_up is not kept');
});

test.each([
  ['0 2 * * *', 'Asia/Kolkata', 'UTC', '30 20 * * *'],
  ['0 2 * * 0', 'Asia/Kolkata', 'UTC', '30 20 * * 6'],
  ['15 23 * * 6', 'UTC', 'Asia/Kolkata', '45 4 * * 0'],
  ['30 6,18 1 * *', 'Asia/Kolkata', 'UTC', '0 1,13 1 * *'],
  ['0 9 * 1-6 1-5', 'UTC', 'Asia/Kolkata', '30 14 * 1-6 1-5'],
  ['0 * * * *', 'Asia/Tokyo', 'UTC', '0 * * * *'],
])('conversion: %s in %s is, for a machine in %s, %s, at the same moments', (cron, timeZone, localZone, expected) => {
  expect(shiftZone({ cron, timeZone }, localZone, NOW)).toEqual({ cron: expected });
  const own = nextTimes({ cron, timeZone }, NOW, 40);
  const moved = nextTimes({ cron: expected, timeZone: localZone }, NOW, 40);
  expect(moved.map((at) => formatMoment(at, 'UTC'))).toEqual(own.map((at) => formatMoment(at, 'UTC')));
});

test.each([
  ['0 2 * * *', 'Europe/Berlin', 'UTC', /change their clocks/],
  ['0 2 1 * *', 'Asia/Kolkata', 'UTC', /another day of the month/],
  ['0 2 * * 1-5', 'Asia/Kolkata', 'UTC', /weekdays are not plain numbers/],
  ['0 2,12 * * *', 'Asia/Kolkata', 'UTC', /some of its hours/],
  ['*/10 2 * * *', 'Asia/Kolkata', 'UTC', /plain hours and minutes/],
  ['0 * 1 * *', 'Asia/Tokyo', 'UTC', /hourly line/],
])('conversion: %s in %s has no equal on a machine in %s, and says why', (cron, timeZone, localZone, reason) => {
  expect(shiftZone({ cron, timeZone }, localZone, NOW)).toEqual({ refusal: expect.stringMatching(reason) });
});

test('crontab: with conversion no CRON_TZ is written, and what cannot be moved is left out with the reason', () => {
  const { text, omitted } = crontab(
    '  a: { sql: x, cron: "0 2 * * *", timezone: Asia/Kolkata }\n  b: { sql: x, cron: "0 2 * * *", timezone: Europe/Berlin }\n',
    {
      convert: true,
    },
  );
  expect(text).toMatch(/^30 20 \* \* \* /m);
  expect(text).not.toMatch(/^CRON_TZ/m);
  expect(omitted.map(({ job }) => job)).toEqual(['b']);
});
