import { parseBytes } from '../base/bytes.ts';
import { parseDuration } from '../base/durations.ts';
import { checkShape } from '../base/yaml-shape.ts';
import { problemsError, YamlSource } from '../base/yaml-source.ts';
import { isLateSecret, resolveMail, resolveNotify } from './notify.ts';
import type { BackupPolicy, CatchUp, Job, Policies, RetentionSettings, Work } from './policies.ts';
import { parseMoment } from './recurrence.ts';
import { checkReferences, type KnownNames } from './references.ts';
import { policiesSchema, type JobFile, type PoliciesFile, type PolicyFile, type RunFile } from './schema.ts';

const DEFAULT_RPO = '60s';
const DEFAULT_RETRY_DELAY = '1m';
const DEFAULT_MINIMUM = 1;

export interface ParsePoliciesOptions {
  /** For messages: the path as a person would write it. */
  readonly file: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Zone of cron lines and times that name none, unless the file has a `timezone` of its own. */
  readonly localZone: string;
  /** Clusters and repositories of the configuration; references are not checked without. */
  readonly known?: KnownNames;
}

/**
 * The schedule that the text of backups/policies.yaml describes, checked in full.
 *
 * @throws {DbadminError} `policies-invalid` with every problem on a line of its own, `file:line:column: what`.
 */
export function parsePolicies(text: string, options: ParsePoliciesOptions): Policies {
  const source = new YamlSource(options.file, text);
  // The repositories' own variables are the configuration's concern, and a missing one is told there.
  if (source.readable) source.fill(options.env, (at) => at[0] === 'repositories' || isLateSecret(at));
  const file = source.readable ? checkShape(source, policiesSchema) : undefined;
  if (source.readable) checkReferences(source, options.localZone, options.known);
  if (file === undefined || source.problems.length > 0) {
    throw problemsError('policies-invalid', options.file, source.problems, 'Correct these places; nothing was scheduled.');
  }
  const zone = file.timezone ?? options.localZone;
  const policies = new Map(
    Object.entries(file.policies ?? {}).map(([name, policy]) => [name, resolvePolicy(name, policy, zone, options.env)]),
  );
  return {
    file: options.file,
    policies,
    notify: resolveNotify(file.notify, options.env),
    mail: file.mail === undefined ? undefined : resolveMail(file.mail, options.env),
    jobs: resolveJobs(file, zone),
  };
}

function resolvePolicy(name: string, file: PolicyFile, timeZone: string, env: ParsePoliciesOptions['env']): BackupPolicy {
  const { limits } = file;
  const span = (text: string | undefined): number | undefined => (text === undefined ? undefined : parseDuration(text));
  const hasBase = file.base !== undefined && file.base !== 'none';
  return {
    name,
    cluster: file.cluster,
    repositories: file.repositories,
    labels: file.labels ?? [],
    dumpsOnly: file.base === 'none',
    dump: file.dump === undefined ? undefined : { ...dumpedDatabases(file.dump), spool: file.dump.spool },
    wal: {
      mode: file.wal?.mode ?? (hasBase ? 'stream' : 'none'),
      rpoMs: parseDuration(file.wal?.rpo ?? DEFAULT_RPO),
      required: file.wal?.required === undefined || file.wal.required === 'all' ? file.repositories : file.wal.required,
    },
    retention: file.retention === undefined ? undefined : resolveRetention(file.retention, timeZone),
    limits: {
      rateBytesPerSecond: limits?.rate === undefined ? undefined : parseBytes(limits.rate.slice(0, -2)),
      backupAgeMs: span(limits?.backup_age),
      walLagMs: span(limits?.wal_lag),
      drillAgeMs: span(limits?.drill_age),
      rtoMs: span(limits?.rto),
      freeBytes: limits?.free === undefined ? undefined : parseBytes(limits.free),
      fullInMs: span(limits?.full_in),
      slotWalBytes: limits?.slot_wal === undefined ? undefined : parseBytes(limits.slot_wal),
    },
    notify: resolveNotify(file.notify, env),
  };
}

function dumpedDatabases(dump: PolicyFile['dump']): Omit<NonNullable<BackupPolicy['dump']>, 'spool'> {
  return { databases: dump?.databases ?? 'all', excluded: dump?.exclude ?? [] };
}

function resolveRetention(file: NonNullable<PolicyFile['retention']>, timeZone: string): RetentionSettings {
  const { last = 0, hourly = 0, daily = 0, weekly = 0, monthly = 0, yearly = 0 } = file.keep ?? {};
  return {
    windowMs: file.window === undefined ? undefined : parseDuration(file.window),
    keep: { last, hourly, daily, weekly, monthly, yearly },
    minimum: file.minimum ?? DEFAULT_MINIMUM,
    dumps: file.dumps,
    expire: file.expire ?? 'auto',
    timeZone,
  };
}

function resolveJobs(file: PoliciesFile, zone: string): readonly Job[] {
  const ofPolicies = Object.entries(file.policies ?? {}).flatMap(([name, policy]) => policyJobs(name, policy, zone));
  const own = Object.entries(file.jobs ?? {}).map(([name, job]) => resolveJob(name, ownWork(job), job, zone));
  return [...ofPolicies, ...own];
}

function policyJobs(name: string, file: PolicyFile, zone: string): readonly Job[] {
  const { cluster } = file;
  const base = file.base === 'none' ? undefined : file.base;
  const jobs: Job[] = [];
  const add = (kind: string, run: RunFile | undefined, work: Work): void => {
    if (run !== undefined) jobs.push(resolveJob(`${name}.${kind}`, work, run, zone, file.labels));
  };
  add('full', base?.full, { kind: 'backup', policy: name, cluster, type: 'full' });
  add('incremental', base?.incremental, { kind: 'backup', policy: name, cluster, type: 'incremental' });
  const { dump, verify, drill } = file;
  add('dump', dump, {
    kind: 'dump',
    policy: name,
    cluster,
    ...dumpedDatabases(dump),
    format: dump?.format ?? 'custom',
    jobs: dump?.jobs,
    spool: dump?.spool,
  });
  const sampleShare = verify?.sample === undefined ? undefined : Number.parseFloat(verify.sample) / 100;
  add('verify', verify, { kind: 'verify', policy: name, cluster, sampleShare });
  add('expire', file.expire, { kind: 'expire', policy: name, cluster });
  add('drill', drill, { kind: 'drill', policy: name, cluster, target: drill?.target ?? 'latest', assertions: drill?.assert ?? [] });
  return jobs;
}

function ownWork({ command, call, sql, cluster, database }: JobFile): Work {
  if (command !== undefined) return { kind: 'command', words: command, cluster };
  if (call !== undefined) return { kind: 'call', call, cluster, database };
  return { kind: 'sql', sql: sql ?? '', cluster, database };
}

function resolveJob(name: string, work: Work, file: RunFile, zone: string, policyLabels: readonly string[] = []): Job {
  const timeZone = file.timezone ?? zone;
  return {
    name,
    work,
    trigger:
      file.after === undefined ? { kind: 'times', recurrence: { cron: file.cron ?? '', timeZone } } : { kind: 'after', jobs: file.after },
    catchUp: resolveCatchUp(file.catch_up),
    retries: file.retries ?? 0,
    retryDelayMs: parseDuration(file.retry_delay ?? DEFAULT_RETRY_DELAY),
    period: {
      from: file.from === undefined ? undefined : parseMoment(file.from, timeZone),
      until: file.until === undefined ? undefined : parseMoment(file.until, timeZone),
      lengthMs: file.for === undefined ? undefined : parseDuration(file.for),
    },
    paused: file.pause ?? false,
    labels: [...new Set([...policyLabels, ...(file.labels ?? [])])].sort(),
  };
}

function resolveCatchUp(stated: RunFile['catch_up']): CatchUp {
  if (stated === undefined || stated === false) return 'none';
  return stated === true ? 'once' : stated;
}
