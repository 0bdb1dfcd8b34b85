import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { withAlertsCheck } from '../../../src/schedule/export/alerts-check.ts';
import { onCalendar } from '../../../src/schedule/export/on-calendar.ts';
import { systemdUnits, type SystemdOptions } from '../../../src/schedule/export/systemd.ts';
import { parsePolicies } from '../../../src/schedule/parse.ts';
import { receptions } from '../../../src/schedule/policies.ts';
import { nextTimes, type Recurrence } from '../../../src/schedule/recurrence.ts';

const NOW = new Date('2026-11-21T12:00:00Z');
const HAS_SYSTEMD = spawnSync('systemd-analyze', ['--version']).status === 0;
if (!HAS_SYSTEMD) console.warn('SKIPPED: no systemd-analyze here (Debian package systemd): units and calendars are not held to it');

const SCHEDULE = `version: 1
policies:
  listening:
    cluster: main
    repositories: [local]
    base: { full: { cron: "0 2 1 * *", timezone: Asia/Kolkata, catch_up: true } }
    wal: { mode: stream, rpo: 5s }
jobs:
  often: { sql: select 1, cron: "*/20 * * * *", timezone: Europe/Berlin }
  next: { sql: select '100%' as "$x", after: [often] }
  last: { sql: select 1, after: [next] }
  many: { sql: select 1, after: [often, listening.full] }
  every: { sql: select 1, cron: "@daily", catch_up: all }
  still: { sql: select 1, cron: "@daily", pause: true }
  while: { sql: select 1, cron: "@daily", from: 2026-12-01, until: 2026-12-08 }
`;

function units(text = SCHEDULE, options: Partial<SystemdOptions> = {}) {
  const policies = parsePolicies(text, { file: 'policies.yaml', env: {}, localZone: 'UTC' });
  return systemdUnits(withAlertsCheck(policies, 'UTC'), {
    now: NOW,
    commandOf: ({ name }) => ['/bin/echo', 'schedule', 'run', name, '--config', '/srv/100% my $app/dbadmin.yaml'],
    receiveCommandOf: ({ cluster }) => ['/bin/echo', 'wal', 'receive', '--cluster', cluster],
    receptions: receptions(policies.policies.values()),
    refusalOf: () => undefined,
    configFile: '/srv/app/dbadmin.yaml',
    directory: '/',
    user: 'root',
    environmentFile: '/etc/dbadmin/environment',
    credentials: ['passphrase:/etc/dbadmin/passphrase'],
    writable: ['/srv/backup'],
    sharesTmp: false,
    ...options,
  });
}

test('systemd: a timer and a service a job, a service for WAL, and what cannot be said is named with the way out', () => {
  const { files, enable, omitted } = units();
  expect([...files.keys()].sort()).toEqual([
    'dbadmin-last.service',
    'dbadmin-listening.full.service',
    'dbadmin-listening.full.timer',
    'dbadmin-listening.wal.service',
    'dbadmin-next.service',
    'dbadmin-often.service',
    'dbadmin-often.timer',
    'dbadmin-while.service',
    'dbadmin-while.timer',
  ]);
  expect(enable).toEqual(['dbadmin-listening.full.timer', 'dbadmin-often.timer', 'dbadmin-while.timer', 'dbadmin-listening.wal.service']);
  expect(omitted).toEqual([
    { job: 'every', reason: expect.stringContaining('catch_up: true') },
    { job: 'still', reason: 'it is paused (pause: true)' },
    { job: 'many', reason: expect.stringContaining('a worker can') },
  ]);
});

test('systemd: what is missed is caught up on where the job says so, and nothing is delayed', () => {
  const { files } = units();
  expect(files.get('dbadmin-listening.full.timer')).toContain('OnCalendar=*-*-01 02:00:00 Asia/Kolkata\n');
  expect(files.get('dbadmin-listening.full.timer')).toContain('Persistent=true\nAccuracySec=1s\nRandomizedDelaySec=0');
  expect(files.get('dbadmin-often.timer')).toContain('Persistent=false');
});

test('systemd: a job after another starts on its success, and so on', () => {
  const { files } = units();
  expect(files.get('dbadmin-often.service')).toContain('OnSuccess=dbadmin-next.service\n');
  expect(files.get('dbadmin-next.service')).toContain('OnSuccess=dbadmin-last.service\n');
  expect(files.get('dbadmin-last.service')).not.toContain('OnSuccess');
});

test.each([
  ['exited', '4', 'start --no-block dbadmin-next.service\n'],
  ['exited', '0', ''],
  ['exited', '1', ''],
  ['killed', 'TERM', ''],
])('systemd: after a job that has %s with %s, what follows is started beside OnSuccess=: %j', (code, status, started) => {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'dbadmin-units-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  writeFileSync(path.join(directory, 'systemctl'), '#!/bin/sh\necho "$@"\n', { mode: 0o755 });
  const { files } = units();
  const service = files.get('dbadmin-often.service') ?? '';
  // 4 stays a failure of the unit, which is what monitoring sees.
  expect(service).not.toContain('SuccessExitStatus');
  const quoted = /^ExecStopPost=\+\/bin\/sh -c "(.*)"$/m.exec(service)?.[1] ?? expect.fail(service);
  // As systemd reads it.
  const command = quoted.replaceAll(/\\(.)/g, '$1').replaceAll('$$', '$').replaceAll('%%', '%');
  const env = { PATH: directory, EXIT_CODE: code, EXIT_STATUS: status };
  expect(spawnSync('/bin/sh', ['-c', command], { encoding: 'utf8', env })).toMatchObject({ status: 0, stdout: started });
  expect(files.get('dbadmin-last.service')).not.toContain('ExecStopPost');
});

test('systemd: secrets are named and percent signs, dollars and spaces reach the program as they are', () => {
  const service = units().files.get('dbadmin-often.service') ?? '';
  expect(service).toContain('EnvironmentFile=/etc/dbadmin/environment\nLoadCredential=passphrase:/etc/dbadmin/passphrase\n');
  expect(service).toContain('--config "/srv/100%% my $$app/dbadmin.yaml"');
});

test.skipIf(!HAS_SYSTEMD)('systemd: systemd-analyze verify finds nothing wrong with any unit', () => {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'dbadmin-units-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const { files } = units(`${SCHEDULE}notify: [{ email: dba@example.org }]\n`);
  expect(files.has('dbadmin-alerts.check.timer')).toBe(true);
  for (const [name, text] of files) writeFileSync(path.join(directory, name), text);
  const { status, stderr } = spawnSync(
    'systemd-analyze',
    ['verify', '--man=no', ...[...files.keys()].map((name) => path.join(directory, name))],
    {
      encoding: 'utf8',
      env: { ...process.env, SYSTEMD_LOG_LEVEL: 'warning', SYSTEMD_UNIT_PATH: `${directory}:` },
    },
  );
  const about = stderr.split('\n').filter((line) => line.includes('dbadmin-'));
  expect(about).toEqual([]);
  expect(status).toBe(0);
  // And it would say so.
  writeFileSync(
    path.join(directory, 'dbadmin-often.timer'),
    (files.get('dbadmin-often.timer') ?? '').replace('AccuracySec=1s', 'AcuracySec=1s'),
  );
  const wrong = spawnSync('systemd-analyze', ['verify', '--man=no', path.join(directory, 'dbadmin-often.timer')], { encoding: 'utf8' });
  expect(wrong.stderr).toContain('AcuracySec');
});

test.skipIf(!HAS_SYSTEMD)('systemd: the services that the package ships are without fault', () => {
  const shipped = path.resolve(import.meta.dirname, '../../../systemd');
  const directory = mkdtempSync(path.join(os.tmpdir(), 'dbadmin-units-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const files = readdirSync(shipped).map((name) => {
    const file = path.join(directory, name.replace('@', '@main'));
    copyFileSync(path.join(shipped, name), file);
    return file;
  });
  expect(files).toHaveLength(3);
  const { stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', ...files], { encoding: 'utf8' });
  expect(stderr.split('\n').filter((line) => line.includes('dbadmin'))).toEqual([]);
});

/** The moments of one expression between two, as systemd itself has them. */
function systemdTimes(expression: string, from: Date, to: Date, most: number): readonly string[] {
  const text = execFileSync(
    'systemd-analyze',
    [
      'calendar',
      `--base-time=${new Date(from.getTime() - 1000).toISOString().slice(0, 19).replace('T', ' ')} UTC`,
      `--iterations=${most}`,
      expression,
    ],
    { encoding: 'utf8', env: { ...process.env, TZ: 'UTC' } },
  );
  return [...text.matchAll(/(?:Next elapse|Iter\. #\d+|\(in UTC\)): \w{3} (\d{4}-\d\d-\d\d) (\d\d:\d\d):\d\d UTC/g)]
    .map(([, date, time]) => `${date}T${time}`)
    .filter((time) => time < to.toISOString());
}

function ourTimes(recurrence: Recurrence, to: Date): readonly string[] {
  const times: string[] = [];
  for (let last = NOW; ;) {
    const next = nextTimes(recurrence, last, 1)[0];
    if (next === undefined || next >= to) return times;
    times.push(next.toISOString().slice(0, 16));
    last = next;
  }
}

describe.skipIf(!HAS_SYSTEMD)('systemd has the times of a year that we have', () => {
  const crons = ['30 2 * * *', '15 0 */9 * *', '0,40 1-3 * * 0', '30 2 13 * 5', '0 9 * jan-mar,dec mon-fri', '*/25 1-2 * * 7'];
  const zones = ['UTC', 'Asia/Kolkata', 'Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe'];
  test.each(zones)('in %s', (timeZone) => {
    const to = new Date(NOW.getTime() + 366 * 86_400_000);
    for (const cron of crons) {
      const calendar = onCalendar({ cron, timeZone }, NOW);
      if ('refusal' in calendar) throw new Error(`${cron} ${timeZone}: ${calendar.refusal}`);
      const ours = ourTimes({ cron, timeZone }, to);
      const exceptions = calendar.exceptions.filter((each) => each.slice(0, 4) <= '2027');
      const theirs = [...calendar.expressions, ...exceptions].flatMap((each) => systemdTimes(each, NOW, to, ours.length + 5));
      expect([...new Set(theirs)].sort(), `${cron} ${timeZone}`).toEqual(ours);
    }
  });
});
