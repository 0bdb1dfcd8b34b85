import type { IDeployment } from 'kubernetes-models/apps/v1';
import type { ICronJob } from 'kubernetes-models/batch/v1';
import type { IContainer, IPodSpec } from 'kubernetes-models/v1';
import { cronFields, nextTimes, type Recurrence } from '../recurrence.ts';
import { describeWork, type Job, type Policies, type Reception } from '../policies.ts';
import { timerWords } from './alerts-check.ts';
import { clockChanges } from './clock-changes.ts';
import { cronSets } from './cron-sets.ts';
import { planExport, type Omitted } from './plan.ts';
import type { NamedVariable } from './variables.ts';

/** Every rule of a zone comes by within this time. */
const YEARS_AHEAD = 2;
/** Where the project's files are in a container. */
export const PROJECT_DIRECTORY = '/etc/dbadmin';
const CONFIG_FILE = `${PROJECT_DIRECTORY}/dbadmin.yaml`;
/** Where they keep what is to outlive one of them: a volume that goes with its pod, as /tmp is. */
export const STATE_DIRECTORY = '/var/lib/dbadmin';
/** Where the jobs of a pod leave for its last one what did not expire. It goes with the pod. */
const NOT_EXPIRED_FILE = `${STATE_DIRECTORY}/not-expired`;
/** Within this time a run that is not to be caught up on may still begin: the controller looks every ten seconds. */
const PUNCTUAL_SECONDS = 120;
const LATEST_SECONDS = 7 * 24 * 3600;
/** The controller gives up on a schedule that missed more than a hundred times within its deadline. */
const MOST_MISSED = 90;
/** The controller adds eleven characters to the name of a CronJob, and 63 are allowed. */
const NAME_LENGTH = 52;
const SOME_UID = 10_001;

export interface KubernetesOptions {
  readonly now: Date;
  readonly refusalOf: (job: Job) => string | undefined;
  readonly receptions: readonly Reception[];
  readonly image: string;
  readonly namespace: string | undefined;
  /** Read from the secret `dbadmin`, key by key. */
  readonly variables: readonly NamedVariable[];
  /** Files of the project by their path in it: keys of the config map `dbadmin-project`. */
  readonly projectFiles: readonly string[];
  /** Repositories that are directories: each is a volume claim. */
  readonly disks: readonly { readonly name: string; readonly path: string }[];
  /** Directories in which dumps lie until they are stored, none twice, each a volume that goes with its pod. */
  readonly spools: readonly string[];
}

type Manifest = Readonly<Record<string, unknown>>;

// The types of Kubernetes tell of keys that do not exist, which its schema lets pass; they are for the compiler alone.

/** Manifests, ready to be written as YAML, and what they leave out. */
export interface KubernetesManifests {
  readonly manifests: readonly Manifest[];
  readonly omitted: readonly Omitted[];
}

/** A CronJob for each job with times; those after it run in the same pod, one after the other; a Deployment for each reception of WAL. */
export function kubernetesManifests(policies: Policies, options: KubernetesOptions): KubernetesManifests {
  const { exported, omitted } = planExport(policies, {
    refusalOf: options.refusalOf,
    limitOf: (job, recurrence) => limitOf(job, recurrence, options.now),
  });
  const names = new Map<string, string>();
  return {
    manifests: [
      ...exported.map(({ job, recurrence, after }) => cronJob(resourceName(job.name, names), job, recurrence, after, options)),
      ...options.receptions.map((reception) => deployment(resourceName(reception.name, names), reception, options)),
    ],
    omitted,
  };
}

/** The controller skips times that do not exist and runs those of a repeated hour twice. */
function limitOf(job: Job, recurrence: Recurrence, now: Date): string | undefined {
  const { from, lengthMs } = job.period;
  if (lengthMs !== undefined && from === undefined)
    return 'its period is a length without a beginning, which nobody remembers from run to run: give it a from';
  if (cronSets(recurrence.cron).isDisputed)
    return 'Kubernetes takes days of month and of week together where one begins with *, we take either: write the days out';
  for (const { at, ours, shownEach } of clockChanges(recurrence, now, YEARS_AHEAD)) {
    if (ours.size === shownEach.size && [...ours].every((moment) => shownEach.has(moment))) continue;
    return `Kubernetes would skip it or run it twice when clocks of ${recurrence.timeZone} change, next on ${at.toISOString().slice(0, 10)}: move it out of those hours, or timezone: UTC`;
  }
  return undefined;
}

function cronJob(name: string, job: Job, recurrence: Recurrence, after: readonly Job[], options: KubernetesOptions): Manifest {
  const jobs = [job, ...after];
  const containers = jobs.map((each, index) =>
    container(`job-${index + 1}`, [...timerWords(each), ...notExpired(index, jobs), '--config', CONFIG_FILE, '--quiet'], options),
  );
  return {
    apiVersion: 'batch/v1',
    kind: 'CronJob',
    metadata: metadata(name, options, {
      'dbadmin/job': job.name,
      'dbadmin/does': [job, ...after].map(({ work }) => describeWork(work)).join('; then '),
    }),
    spec: {
      schedule: scheduleOf(recurrence),
      timeZone: recurrence.timeZone,
      concurrencyPolicy: 'Forbid',
      startingDeadlineSeconds: job.catchUp === 'none' ? PUNCTUAL_SECONDS : deadline(recurrence, options.now),
      successfulJobsHistoryLimit: 3,
      failedJobsHistoryLimit: 5,
      jobTemplate: {
        spec: {
          // schedule run makes the attempts that the policies allow.
          backoffLimit: 0,
          template: {
            metadata: { labels: labels(name) },
            spec: {
              restartPolicy: 'Never',
              ...podSpec(options),
              // One after the other, each after the success of the one before: what init containers do.
              ...(containers.length > 1 ? { initContainers: containers.slice(0, -1) } : {}),
              containers: containers.slice(-1),
            },
          },
        },
      },
    },
  } satisfies ICronJob;
}

function deployment(name: string, { cluster, rpoMs }: Reception, options: KubernetesOptions): Manifest {
  const words = ['wal', 'receive', '--cluster', cluster, '--rpo', `${rpoMs}ms`, '--config', CONFIG_FILE];
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: metadata(name, options, { 'dbadmin/does': `receive the WAL of ${cluster}` }),
    spec: {
      replicas: 1,
      // A cluster has one slot: the old one ends before the new one begins.
      strategy: { type: 'Recreate' },
      selector: { matchLabels: labels(name) },
      template: {
        metadata: { labels: labels(name) },
        spec: { ...podSpec(options), terminationGracePeriodSeconds: 60, containers: [container('wal-receive', words, options)] },
      },
    },
  } satisfies IDeployment;
}

function container(name: string, words: readonly string[], { image, variables, disks, spools }: KubernetesOptions): IContainer {
  return {
    name,
    image,
    command: ['dbadmin', ...words],
    workingDir: PROJECT_DIRECTORY,
    env: [
      { name: 'XDG_STATE_HOME', value: STATE_DIRECTORY },
      ...variables.map((each) => ({
        name: each.name,
        valueFrom: { secretKeyRef: { name: 'dbadmin', key: each.name, ...(each.isNeeded ? {} : { optional: true }) } },
      })),
    ],
    securityContext: { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } },
    volumeMounts: [
      { name: 'project', mountPath: PROJECT_DIRECTORY, readOnly: true },
      { name: 'state', mountPath: STATE_DIRECTORY },
      { name: 'scratch', mountPath: '/tmp' },
      ...disks.map((disk) => ({ name: volumeName(disk.name), mountPath: disk.path })),
      ...spools.map((spool, index) => ({ name: spoolName(index), mountPath: spool })),
    ],
  };
}

/** All was taken, and only older backups or dumps did not expire: what follows runs, for which an init container has to end with 0. The pod fails by its last one. */
function notExpired(index: number, jobs: readonly Job[]): readonly string[] {
  if (jobs.length === 1) return [];
  return [index < jobs.length - 1 ? '--not-expired-into' : '--not-expired-from', NOT_EXPIRED_FILE];
}

function podSpec({ projectFiles, disks, spools }: KubernetesOptions): Omit<IPodSpec, 'containers'> {
  return {
    automountServiceAccountToken: false,
    securityContext: {
      runAsNonRoot: true,
      runAsUser: SOME_UID,
      fsGroup: SOME_UID,
      seccompProfile: { type: 'RuntimeDefault' },
    },
    volumes: [
      {
        name: 'project',
        configMap: { name: 'dbadmin-project', items: projectFiles.map((file) => ({ key: configMapKey(file), path: file })) },
      },
      { name: 'state', emptyDir: {} },
      { name: 'scratch', emptyDir: {} },
      ...disks.map(({ name }) => ({ name: volumeName(name), persistentVolumeClaim: { claimName: volumeName(name) } })),
      ...spools.map((_, index) => ({ name: spoolName(index), emptyDir: {} })),
    ],
  };
}

/** Keys of a config map hold no slashes. */
export function configMapKey(file: string): string {
  return file.replaceAll('/', '_');
}

function metadata(name: string, { namespace }: KubernetesOptions, annotations: Readonly<Record<string, string>>): Manifest {
  return { name, ...(namespace === undefined ? {} : { namespace }), labels: labels(name), annotations };
}

function labels(name: string): Readonly<Record<string, string>> {
  return { 'app.kubernetes.io/name': 'dbadmin', 'app.kubernetes.io/instance': name };
}

/** Of the n-th directory in which dumps lie until they are stored. Nothing else can be written to in a container. */
function spoolName(index: number): string {
  return `spool-${index + 1}`;
}

function volumeName(repository: string): string {
  return `dbadmin-repository-${lowerCase(repository)}`;
}

/** A name that Kubernetes takes, unlike all before. */
function resourceName(name: string, taken: Map<string, string>): string {
  const plain = `dbadmin-${lowerCase(name)}`.slice(0, NAME_LENGTH).replace(/-+$/, '');
  let candidate = plain;
  for (let count = 2; taken.has(candidate); count += 1) candidate = `${plain.slice(0, NAME_LENGTH - 4)}-${count}`;
  taken.set(candidate, name);
  return candidate;
}

function lowerCase(name: string): string {
  return name
    .toLowerCase()
    .replaceAll(/[^a-z0-9-]+/g, '-')
    .replace(/-+$/, '');
}

/** Sunday is 0 there, never 7. */
function scheduleOf({ cron }: Recurrence): string {
  const fields = [...cronFields(cron)];
  if (/7/.test(fields[4] ?? '')) fields[4] = cronSets(cron).weekdays.join(',');
  return fields.join(' ');
}

/** How long after its time a missed run may begin: so long that one is found, and not so long that too many are. */
function deadline(recurrence: Recurrence, now: Date): number {
  const times = nextTimes(recurrence, now, 50).map((time) => time.getTime());
  const gaps = times.slice(1).map((time, index) => (time - (times[index] ?? 0)) / 1000);
  return Math.min(LATEST_SECONDS, Math.max(PUNCTUAL_SECONDS, MOST_MISSED * Math.min(...gaps, LATEST_SECONDS)));
}
