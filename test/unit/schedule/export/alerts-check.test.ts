import { expect, test } from 'vitest';
import { renderCrontab } from '../../../../src/schedule/crontab.ts';
import { timerWords, withAlertsCheck } from '../../../../src/schedule/export/alerts-check.ts';
import { kubernetesManifests } from '../../../../src/schedule/export/kubernetes.ts';
import { scheduledTasks } from '../../../../src/schedule/export/task-scheduler.ts';
import { parsePolicies } from '../../../../src/schedule/parse.ts';
import type { Job, Policies } from '../../../../src/schedule/policies.ts';

const NOW = new Date('2026-11-21T12:00:00Z');
const commandOf = (job: Job): readonly string[] => ['/usr/bin/dbadmin', ...timerWords(job)];

function schedule(notify: string): Policies {
  const text = `version: 1\n${notify}\njobs:\n  a: { sql: x, cron: "0 1 * * *" }\n`;
  return parsePolicies(text, { file: 'policies.yaml', env: {}, localZone: 'Europe/Berlin' });
}

const told = withAlertsCheck(schedule('notify: [{ email: dba@example.org }]'), 'Europe/Berlin');

test('export: where nobody is to be told, nobody looks', () => {
  const untold = schedule('');
  expect(withAlertsCheck(untold, 'UTC')).toBe(untold);
});

test('export: where somebody is to be told, cron looks each minute', () => {
  const { text } = renderCrontab(told, {
    now: NOW,
    localZone: 'Europe/Berlin',
    convert: false,
    commandOf,
    variables: [],
    environmentFile: undefined,
    refusalOf: () => undefined,
  });
  expect(text.split('\n').filter((line) => line.startsWith('*'))).toEqual(['* * * * * /usr/bin/dbadmin alerts check']);
});

test('export: Windows looks each minute, too', () => {
  const { files, omitted } = scheduledTasks(told, {
    now: NOW,
    localZone: 'Europe/Berlin',
    refusalOf: () => undefined,
    commandOf,
    receiveCommandOf: () => [],
    receptions: [],
    directory: 'C:\\app',
    user: undefined,
  });
  expect(omitted).toEqual([]);
  expect(files.get('dbadmin-alerts.check.xml')).toMatch(/<Interval>PT1M<\/Interval>[\s\S]*alerts check/);
});

test('export: a pod looks by the command, not by a job that the policies do not have', () => {
  const { manifests } = kubernetesManifests(withAlertsCheck(schedule('notify: [{ email: dba@example.org }]'), 'UTC'), {
    now: NOW,
    refusalOf: () => undefined,
    receptions: [],
    image: 'dbadmin',
    namespace: undefined,
    variables: [],
    projectFiles: [],
    disks: [],
    spools: [],
  });
  expect(JSON.stringify(manifests.at(-1))).toContain(
    '"command":["dbadmin","alerts","check","--config","/etc/dbadmin/dbadmin.yaml","--quiet"]',
  );
});
