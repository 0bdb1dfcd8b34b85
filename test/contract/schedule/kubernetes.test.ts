import { Deployment } from 'kubernetes-models/apps/v1';
import { CronJob } from 'kubernetes-models/batch/v1';
import { expect, test } from 'vitest';
import { kubernetesManifests, type KubernetesOptions } from '../../../src/schedule/export/kubernetes.ts';
import { parsePolicies } from '../../../src/schedule/parse.ts';
import { receptions } from '../../../src/schedule/policies.ts';

type Manifest = Readonly<Record<string, unknown>>;

const POLICIES = `version: 1
policies:
  Big_Shop-with-a-name-that-is-longer-than-kubernetes-takes-of-anybody:
    cluster: main
    repositories: [local, offsite]
    base: { full: { cron: "0 2 1 * *", timezone: Asia/Kolkata, catch_up: true } }
    wal: { mode: stream, rpo: 5s }
    dump: { cron: "30 3 * * 7" }
jobs:
  often: { sql: "select '\${x}: \\"y\\"'", cron: "*/20 * * * *", timezone: Europe/Berlin }
  next: { command: status, after: [often] }
  last: { call: mart.refresh(), after: [next] }
`;

function manifests(options: Partial<KubernetesOptions> = {}): readonly Manifest[] {
  const policies = parsePolicies(POLICIES.replace('${x}', 'x'), { file: 'policies.yaml', env: {}, localZone: 'UTC' });
  const made = kubernetesManifests(policies, {
    now: new Date('2026-11-21T12:00:00Z'),
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
    spools: ['/srv/spool'],
    ...options,
  });
  expect(made.omitted).toEqual([]);
  return made.manifests;
}

/** What the published schema of Kubernetes has against a manifest. */
function fault(manifest: Manifest): string | undefined {
  const { apiVersion, kind } = manifest;
  const of = `${String(apiVersion)} ${String(kind)}`;
  // The types know what the manifest is; here it is to be found out.
  const copy = structuredClone(manifest) as never;
  try {
    if (of === 'batch/v1 CronJob') new CronJob(copy).validate();
    else if (of === 'apps/v1 Deployment') new Deployment(copy).validate();
    else return `no schema for ${of}`;
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

test.each<[string, Partial<KubernetesOptions>]>([
  ['with all there is', {}],
  ['without a namespace, variables and disks', { namespace: undefined, variables: [], disks: [], spools: [] }],
])('every manifest %s is valid by the schema of Kubernetes, and its names are taken', (_what, options) => {
  const made = manifests(options);
  expect(made.map(({ kind }) => kind)).toEqual(['CronJob', 'CronJob', 'CronJob', 'Deployment']);
  for (const manifest of made) {
    const { name } = manifest['metadata'] as { readonly name: string };
    expect(fault(manifest), name).toBeUndefined();
    // What the API server asks beyond the schema: an RFC 1123 label, and room for the eleven characters of its jobs.
    expect(name).toMatch(/^[a-z0-9](?:[a-z0-9-]{0,50}[a-z0-9])?$/);
  }
});

test.each<[string, (spec: Record<string, unknown>) => void]>([
  ['a number where text is due', (spec) => (spec['schedule'] = 5)],
  ['a policy of concurrency that does not exist', (spec) => (spec['concurrencyPolicy'] = 7)],
  ['no job', (spec) => delete spec['jobTemplate']],
  ['a deadline before the time', (spec) => (spec['startingDeadlineSeconds'] = 'soon')],
])('%s is found', (_what, spoil) => {
  const spoilt = structuredClone(manifests()[0]) as { spec: Record<string, unknown> } & Manifest;
  spoil(spoilt.spec);
  expect(fault(spoilt)).toBeDefined();
});

test('each job of a pod is its first process, which is the one that hears SIGTERM; what did not expire goes to the last', () => {
  const pod = manifests().find((each) => JSON.stringify(each).includes('initContainers')) as {
    spec: { jobTemplate: { spec: { template: { spec: Record<'initContainers' | 'containers', { command: string[] }[]> } } } };
  };
  const { initContainers, containers } = pod.spec.jobTemplate.spec.template.spec;
  const words = (job: string, option: string): readonly string[] =>
    `dbadmin schedule run ${job} ${option} /var/lib/dbadmin/not-expired --config /etc/dbadmin/dbadmin.yaml --quiet`.split(' ');
  expect([...initContainers, ...containers].map(({ command }) => command)).toEqual([
    words('often', '--not-expired-into'),
    words('next', '--not-expired-into'),
    words('last', '--not-expired-from'),
  ]);
});
