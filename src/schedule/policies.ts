import type { SecretSource } from '../base/secret-source.ts';
import type { Recurrence } from './recurrence.ts';

/** backups/policies.yaml after parsing: trusted, units converted, references followed, times resolved. */
export interface Policies {
  readonly file: string;
  readonly policies: ReadonlyMap<string, BackupPolicy>;
  /** Who is told of everything, jobs of no policy among it. */
  readonly notify: readonly Notification[];
  /** The server that takes mail from us; undefined for the one of this machine, as cron has it. */
  readonly mail: MailSettings | undefined;
  /** Everything that runs, those of the policies (`listening.full`) before those of `jobs`, in the order of the file. */
  readonly jobs: readonly Job[];
}

/** What is kept of one cluster, where, and what is promised about it. */
export interface BackupPolicy {
  readonly name: string;
  readonly cluster: string;
  readonly repositories: readonly string[];
  /** What a worker must be able to reach to do its jobs and to receive its WAL. */
  readonly labels: readonly string[];
  /** `base: none`: dumps are all that is kept, and there is no recovery to a point in time. */
  readonly dumpsOnly: boolean;
  /** What its dumps are to hold; undefined where it has none. */
  readonly dump:
    | {
        readonly databases: 'all' | readonly string[];
        readonly excluded: readonly string[];
        /** Where a dump lies until it is stored; undefined for the temporary directory. */
        readonly spool: string | undefined;
      }
    | undefined;
  readonly wal: {
    readonly mode: 'stream' | 'archive' | 'none';
    readonly rpoMs: number;
    /** The repositories that must have WAL before the server is told that it is safe. */
    readonly required: readonly string[];
  };
  readonly retention: RetentionSettings | undefined;
  readonly limits: {
    readonly rateBytesPerSecond: number | undefined;
    readonly backupAgeMs: number | undefined;
    readonly walLagMs: number | undefined;
    readonly drillAgeMs: number | undefined;
    /** How long a restore may take. */
    readonly rtoMs: number | undefined;
    /** Room that a repository has to have. */
    readonly freeBytes: number | undefined;
    /** A repository that will be full sooner is told of. */
    readonly fullInMs: number | undefined;
    /** WAL that the server may keep for a slot which nobody reads. */
    readonly slotWalBytes: number | undefined;
  };
  readonly notify: readonly Notification[];
}

export interface RetentionSettings {
  readonly windowMs: number | undefined;
  readonly keep: Readonly<Record<'last' | 'hourly' | 'daily' | 'weekly' | 'monthly' | 'yearly', number>>;
  /** Backups that stay whatever their age. */
  readonly minimum: number;
  readonly dumps: number | undefined;
  readonly expire: 'auto' | 'manual';
  /** In which days, weeks and months begin and end; an IANA name. */
  readonly timeZone: string;
}

export type NotifyEvent = 'failed' | 'late' | 'recovered';

export type Notification =
  /** Messages are signed with `secret`; without one they are not. Variables in the sources are not filled in yet. */
  | { readonly kind: 'webhook'; readonly url: SecretSource; readonly secret: SecretSource | undefined; readonly on: readonly NotifyEvent[] }
  | { readonly kind: 'email'; readonly address: string; readonly on: readonly NotifyEvent[] };

export interface MailSettings {
  readonly host: string;
  readonly port: number;
  /** `tls`: from the first byte. `starttls`: before anything is said, or not at all. `none`: in the clear. */
  readonly security: 'tls' | 'starttls' | 'none';
  readonly user: string | undefined;
  readonly password: SecretSource | undefined;
  /** As written: relative to the project. */
  readonly caFile: string | undefined;
  readonly from: string;
}

/** Something that runs at its times or after others. No job overlaps itself. */
export interface Job {
  readonly name: string;
  readonly work: Work;
  readonly trigger: Trigger;
  readonly catchUp: CatchUp;
  readonly retries: number;
  readonly retryDelayMs: number;
  readonly period: Period;
  /** `pause: true` in the file: it keeps its place and does not run by itself. */
  readonly paused: boolean;
  /** A worker runs it when it has all of these labels. */
  readonly labels: readonly string[];
}

/** What becomes of times at which nobody could run a job: nothing, one run for all of them, or one for each. */
export type CatchUp = 'none' | 'once' | 'all';

export type Work =
  | { readonly kind: 'backup'; readonly policy: string; readonly cluster: string; readonly type: 'full' | 'incremental' }
  | {
      readonly kind: 'dump';
      readonly policy: string;
      readonly cluster: string;
      readonly databases: 'all' | readonly string[];
      /** Of all, those that are not dumped. */
      readonly excluded: readonly string[];
      readonly format: 'custom' | 'directory';
      /** How many tables at once, of the directory format alone. */
      readonly jobs: number | undefined;
      /** Where a dump lies until it is stored; undefined for the temporary directory. */
      readonly spool: string | undefined;
    }
  | { readonly kind: 'verify'; readonly policy: string; readonly cluster: string; readonly sampleShare: number | undefined }
  | {
      readonly kind: 'drill';
      readonly policy: string;
      readonly cluster: string;
      readonly target: 'latest' | 'random';
      readonly assertions: readonly Assertion[];
    }
  | { readonly kind: 'expire'; readonly policy: string; readonly cluster: string }
  | { readonly kind: 'command'; readonly words: string; readonly cluster: string | undefined }
  | { readonly kind: 'call'; readonly call: string; readonly cluster: string | undefined; readonly database: string | undefined }
  | { readonly kind: 'sql'; readonly sql: string; readonly cluster: string | undefined; readonly database: string | undefined };

/** A query of a drill and the single value that it must give. */
export interface Assertion {
  readonly sql: string;
  readonly is: string | number | boolean | null;
}

export type Trigger =
  | { readonly kind: 'times'; readonly recurrence: Recurrence }
  | { readonly kind: 'after'; readonly jobs: readonly string[] };

/** When a job is in force: from the first moment on, up to but not at the last. `lengthMs` counts from `from`, or from the start of the schedule. */
export interface Period {
  readonly from: Date | undefined;
  readonly until: Date | undefined;
  readonly lengthMs: number | undefined;
}

/** WAL of a cluster that a worker keeps receiving, for one policy or several of the same cluster. */
export interface Reception {
  /** `listening.wal`, after the first policy that wants it. */
  readonly name: string;
  readonly cluster: string;
  readonly repositories: readonly string[];
  /** `wal.required` of all of them: whoever receives reads it when it begins, and has to begin anew when it changes. */
  readonly required: readonly string[];
  readonly rpoMs: number;
  readonly labels: readonly string[];
}

/** What a worker keeps receiving: one reception a cluster, since a cluster has one slot; the strictest RPO holds for all. */
export function receptions(policies: Iterable<BackupPolicy>): readonly Reception[] {
  const byCluster = new Map<string, Reception>();
  for (const { name, cluster, repositories, wal, labels } of policies) {
    if (wal.mode !== 'stream') continue;
    const known = byCluster.get(cluster);
    byCluster.set(cluster, {
      name: known?.name ?? `${name}.wal`,
      cluster,
      repositories: [...new Set([...(known?.repositories ?? []), ...repositories])],
      required: [...new Set([...(known?.required ?? []), ...wal.required])],
      rpoMs: Math.min(known?.rpoMs ?? wal.rpoMs, wal.rpoMs),
      labels: [...new Set([...(known?.labels ?? []), ...labels])],
    });
  }
  return [...byCluster.values()];
}

function describeDatabases({ databases, excluded }: Extract<Work, { readonly kind: 'dump' }>): string {
  if (databases !== 'all') return databases.join(', ');
  return excluded.length === 0 ? 'all databases' : `all databases but ${excluded.join(', ')}`;
}

/** One line that says what a job does: `full backup of main`, `CALL mart.refresh()`. */
export function describeWork(work: Work): string {
  switch (work.kind) {
    case 'backup':
      return `${work.type} backup of ${work.cluster}`;
    case 'dump':
      return `dump of ${describeDatabases(work)} of ${work.cluster}`;
    case 'verify':
      return `verify the backups of ${work.cluster}`;
    case 'drill':
      return `restore drill of ${work.cluster}, ${work.target} moment`;
    case 'expire':
      return `let go of old backups of ${work.cluster}`;
    case 'command':
      return `dbadmin ${work.words}`;
    case 'call':
      return `CALL ${work.call}`;
    case 'sql':
      return work.sql.replace(/\s+/g, ' ').trim();
    default:
      return work satisfies never;
  }
}

/** The directories in which dumps lie until they are stored, where policies name them; without a slash at the end, none twice. */
export function spoolDirectories({ policies }: Policies): readonly string[] {
  const named = [...policies.values()].map(({ dump }) => dump?.spool).filter((spool) => spool !== undefined);
  return [...new Set(named.map((spool) => spool.replace(/(?<=.)\/+$/, '')))];
}
