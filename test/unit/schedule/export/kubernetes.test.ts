import { expect, test } from 'vitest';
import { kubernetesManifests, type KubernetesOptions } from '../../../../src/schedule/export/kubernetes.ts';
import { namedVariables } from '../../../../src/schedule/export/variables.ts';
import { parsePolicies } from '../../../../src/schedule/parse.ts';
import { receptions } from '../../../../src/schedule/policies.ts';

const NOW = new Date('2026-11-21T12:00:00Z');

function manifests(jobs: string, options: Partial<KubernetesOptions> = {}) {
  const policies = parsePolicies(
    `version: 1\npolicies:\n  p: { cluster: main, repositories: [local], wal: { mode: stream, rpo: 5s } }\njobs:\n${jobs}`,
    { file: 'policies.yaml', env: {}, localZone: 'UTC' },
  );
  return kubernetesManifests(policies, {
    now: NOW,
    refusalOf: () => undefined,
    receptions: receptions(policies.policies.values()),
    image: 'registry.example.org/dbadmin:0.1.0',
    namespace: 'db',
    variables: [
      { name: 'DBADMIN_PASSPHRASE', isNeeded: true },
      { name: 'PGPASSWORD', isNeeded: false },
    ],
    projectFiles: ['dbadmin.yaml', 'backups/policies.yaml'],
    disks: [{ name: 'local', path: '/srv/backup' }],
    spools: [],
    ...options,
  });
}

test('kubernetes: a CronJob a job with its zone, no overlap, and a deadline that is the catch-up', () => {
  const { manifests: made } = manifests(
    '  a: { sql: x, cron: "0 2 * * 7", timezone: Asia/Kolkata, catch_up: true }\n  b: { sql: x, cron: "*/5 * * * *", catch_up: true }\n  c: { sql: x, cron: "*/5 * * * *" }\n',
  );
  expect(made.map((each) => each['spec'])).toEqual([
    expect.objectContaining({
      schedule: '0 2 * * 0',
      timeZone: 'Asia/Kolkata',
      concurrencyPolicy: 'Forbid',
      startingDeadlineSeconds: 604_800,
    }),
    expect.objectContaining({ startingDeadlineSeconds: 27_000 }),
    expect.objectContaining({ startingDeadlineSeconds: 120 }),
    expect.objectContaining({ replicas: 1, strategy: { type: 'Recreate' } }),
  ]);
});

test('kubernetes: a job after another runs in the same pod, after its success', () => {
  const { manifests: made } = manifests('  a: { sql: x, cron: "0 2 * * *" }\n  b: { sql: x, after: [a] }\n  c: { sql: x, after: [b] }\n');
  const text = JSON.stringify(made[0]);
  const pod = /"initContainers":\[.*"a".*"b".*\],"containers":\[.*"c"/.test(text);
  expect(pod).toBe(true);
});

test('kubernetes: secrets are named by key, and never their values', () => {
  const text = JSON.stringify(manifests('  a: { sql: x, cron: "0 2 * * *" }\n').manifests[0]);
  expect(text).toContain('{"name":"DBADMIN_PASSPHRASE","valueFrom":{"secretKeyRef":{"name":"dbadmin","key":"DBADMIN_PASSPHRASE"}}}');
  expect(text).toContain('"key":"PGPASSWORD","optional":true');
});

test('kubernetes: hours in which clocks change, catch-up of all, and a length without a beginning are refused by name', () => {
  const { omitted } = manifests(
    '  dst: { sql: x, cron: "30 2 * * *", timezone: Europe/Berlin }\n  fine: { sql: x, cron: "*/5 * * * *", timezone: Europe/Berlin }\n  all: { sql: x, cron: "@daily", catch_up: all }\n  long: { sql: x, cron: "@daily", for: 30d }\n  days: { sql: x, cron: "0 0 */2 * 1" }\n',
  );
  expect(omitted.map(({ job, reason }) => [job, reason])).toEqual([
    ['dst', expect.stringContaining('2027-03-28')],
    ['all', expect.stringContaining('catch_up: true')],
    ['long', expect.stringContaining('give it a from')],
    ['days', expect.stringContaining('write the days out')],
  ]);
});

test('kubernetes: variables are found in every form that the files have, comments apart', () => {
  const text = 'a: "${ONE}"\nb: "${TWO:-x}"\nc: { from: env, name: THREE }\nd:\n  from: env\n  name: FOUR\n# ${FIVE}\ne: "$${SIX}"\n';
  const found = namedVariables([text], false).filter(({ name }) => !/^(PG|DATABASE_URL)/.test(name));
  expect(found).toEqual([
    { name: 'FOUR', isNeeded: true },
    { name: 'ONE', isNeeded: true },
    { name: 'THREE', isNeeded: true },
    { name: 'TWO', isNeeded: false },
  ]);
});
