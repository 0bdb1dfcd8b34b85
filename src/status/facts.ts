import type { DifferingPages } from '../repository/differing-pages.ts';
import type { UnjudgedAudit } from '../repository/unjudged-pages.ts';

/** What could be learnt, or why not. Nothing is guessed in the place of what is unknown. */
export type Known<Value> =
  | { readonly kind: 'known'; readonly value: Value }
  | {
      readonly kind: 'unknown';
      readonly why: string;
      /** Whether a key, a passphrase or credentials are wrong or missing: what was asked is there, and does not open. */
      readonly isShut?: boolean;
    };

/** Everything that status, metrics and alerts are made from, as it was at one moment. */
export interface ProjectFacts {
  readonly at: Date;
  /** Version of dbadmin. */
  readonly tool: string;
  readonly clusters: readonly ClusterFacts[];
  readonly jobs: readonly JobFacts[];
  /** Why the policies could not be read; undefined where they were, or where there are none. */
  readonly policiesProblem: string | undefined;
  /** Why nobody can read what ran from the control database now; undefined where it answers, or where none is used. */
  readonly controlProblem: string | undefined;
}

export interface ClusterFacts {
  readonly name: string;
  /** `listening at 127.0.0.1:5432`. */
  readonly place: string;
  readonly server: Known<ServerFacts>;
  /** In order of preference for restores. */
  readonly repositories: readonly RepositoryFacts[];
  readonly limits: Limits;
  /** Undefined where the project has none, or nobody asked. */
  readonly migrations: Known<MigrationFacts> | undefined;
  readonly roles: Known<RoleFacts> | undefined;
}

/** What the policies promise of a cluster, the strictest where there are several; undefined is no promise. */
export interface Limits {
  /** `base: none` in all of its policies: dumps are all that is kept. */
  readonly dumpsOnly: boolean;
  /** How WAL comes, or undefined where no policy says. */
  readonly walMode: 'stream' | 'archive' | 'none' | undefined;
  /** How often the receiver stores what the open segment holds. */
  readonly rpoMs: number;
  readonly backupAgeMs: number | undefined;
  readonly walLagMs: number | undefined;
  readonly drillAgeMs: number | undefined;
  readonly rtoMs: number | undefined;
  /** Room that a repository has to have. */
  readonly freeBytes: number | undefined;
  /** A repository that will be full sooner is told of. */
  readonly fullInMs: number | undefined;
  /** WAL that the server may keep for a slot which nobody reads. */
  readonly slotWalBytes: number | undefined;
}

export interface ServerFacts {
  /** When it was asked, by this machine's clock: what it had written then. */
  readonly askedAt: Date;
  /** `17.10`. */
  readonly version: string;
  readonly isStandby: boolean;
  readonly systemIdentifier: string;
  /** Where its WAL ends: flushed on a primary, received on a standby. */
  readonly writtenLsn: bigint;
  readonly walSegmentBytes: number;
  /** All databases together. */
  readonly sizeBytes: number | undefined;
  /** Undefined where archive_mode is off or nothing is configured to archive with. */
  readonly archiver: ArchiverFacts | undefined;
  /** Replication slots that outlive their connection. */
  readonly slots: readonly SlotFacts[];
}

export interface ArchiverFacts {
  readonly archivedAt: Date | undefined;
  readonly failedAt: Date | undefined;
  readonly failedWal: string | undefined;
  readonly failures: number;
  /** Segments that are finished and not archived yet, and since when the oldest is. Undefined where the role may not ask, for want of pg_monitor. */
  readonly waiting: { readonly segments: number; readonly since: Date | undefined } | undefined;
}

export interface SlotFacts {
  readonly name: string;
  readonly kind: 'physical' | 'logical';
  /** The one of this project's `wal receive`. */
  readonly isOurs: boolean;
  readonly isActive: boolean;
  /** `reserved`, `extended`, `unreserved` or `lost`. */
  readonly walStatus: string | undefined;
  readonly keptBytes: number | undefined;
}

export interface RepositoryFacts {
  readonly name: string;
  /** `/srv/backup`, `s3://bucket/prefix`. */
  readonly place: string;
  /** A directory of the machine that the database runs on, as far as addresses tell: it may vanish with the host. */
  readonly isOnHost: boolean;
  readonly state: Known<RepositoryState>;
}

export interface RepositoryState {
  readonly createdAt: Date;
  /** Why nothing can be written, or undefined. */
  readonly writeProblem: { readonly isFull: boolean; readonly message: string } | undefined;
  /** Undefined where the store has no limit that it can tell. */
  readonly freeBytes: number | undefined;
  /** Undefined where nobody measured it: that means listing everything. */
  readonly usage: { readonly usedBytes: number; readonly growthBytesPerDay: number | undefined } | undefined;
  /** What is kept of the cluster; undefined when that is nothing yet. */
  readonly lineage: LineageFacts | undefined;
}

export interface LineageFacts {
  readonly systemIdentifier: string;
  readonly timeline: number;
  /** Stretches of moments each of which can be restored, oldest first; `to` is unknown where nothing tells the time of the last WAL. */
  readonly stretches: readonly { readonly from: Date; readonly to: Date | undefined; readonly toLsn: bigint }[];
  readonly gaps: readonly { readonly timeline: number; readonly fromLsn: string; readonly toLsn: string; readonly reason: string }[];
  /** A gap after the newest backup: nothing after it can be restored before the next. */
  readonly isCut: boolean;
  /** The byte after the last that is stored on the timeline that goes on. */
  readonly storedLsn: bigint | undefined;
  /** The last moment that the stored WAL is known to cover, whether it can be restored to or not. */
  readonly storedUntil: Date | undefined;
  readonly backups: number;
  /** Labels of those, and of dumps, that are of a moment that has not come: a clock was ahead, and nothing tells how old they are. */
  readonly ahead: readonly string[];
  readonly newest: BackupFacts | undefined;
  readonly newestFull: BackupFacts | undefined;
  /** The last backup of all, when it is damaged. */
  readonly damaged: { readonly label: string; readonly damage: string } | undefined;
  /** What audits of full backups found and nobody has acknowledged. */
  readonly mismatches: readonly (DifferingPages & { readonly audit: string })[];
  /** What audits leave open: no condition, for nobody knows of anything wrong. */
  readonly unjudged: readonly UnjudgedAudit[];
  /** Keys of manifests that cannot be read: they are passed over, and keep anything from being removed. */
  readonly unreadable: readonly string[];
  /** Every database that is to be dumped. */
  readonly dumps: readonly DumpFacts[];
  /** When the last dump that holds all of a database began: the oldest of these moments, where databases differ. */
  readonly dumpAt: Date | undefined;
  readonly drill: { readonly label: string; readonly verdict: 'passed' | 'failed' | 'proved-nothing'; readonly at: Date } | undefined;
  readonly drillPassedAt: Date | undefined;
  /** The newest drill that failed and that nothing has settled since: `backup` is what failed, or undefined where no plan came about. */
  readonly drillFailed: { readonly label: string; readonly at: Date; readonly backup: string | undefined } | undefined;
  /** The newest drill that restored to a database which takes writes, and how long that took. */
  readonly measured: RestoreMeasure | undefined;
  /** The last verification. */
  readonly verified: { readonly at: Date; readonly isSound: boolean; readonly faults: number } | undefined;
  /** The newest verification that found something which no later one has looked at again. */
  readonly unsound: { readonly at: Date; readonly faults: number } | undefined;
}

export interface DumpFacts {
  readonly database: string;
  /** When the last dump that holds all of it began; undefined where there is none. */
  readonly at: Date | undefined;
  /** How old that may be. */
  readonly limitMs: number | undefined;
}

export interface BackupFacts {
  readonly label: string;
  readonly kind: 'full' | 'incremental';
  readonly startedAt: Date;
  readonly finishedAt: Date;
  readonly startLsn: bigint;
  readonly plainBytes: number;
  readonly storedBytes: number;
}

export interface RestoreMeasure {
  readonly label: string;
  readonly at: Date;
  readonly isPassed: boolean;
  readonly planMs: number;
  readonly restoreMs: number;
  readonly recoveryMs: number;
  /** From the command to a database that took writes. */
  readonly rtoMs: number;
  readonly plainBytes: number;
  readonly walBytes: number;
}

export interface MigrationFacts {
  readonly database: string;
  readonly applied: number;
  readonly pending: number;
  /** Applied files that were changed since, or are gone; and what else is wrong with them. */
  readonly problems: number;
  /** Repeatable routines to apply. */
  readonly routines: number;
}

export interface RoleFacts {
  /** Changes that would bring the cluster to its roles file; none is in sync. */
  readonly drift: number;
  readonly destructive: number;
}

export interface JobFacts {
  readonly name: string;
  readonly description: string;
  /** Policy that it belongs to; undefined for a job of its own. */
  readonly policy: string | undefined;
  readonly cluster: string | undefined;
  /** Undefined when it runs after others, or never again. */
  readonly nextAt: Date | undefined;
  /** `UTC`, `Asia/Kolkata`: in which its times are shown. */
  readonly timeZone: string | undefined;
  readonly isPaused: boolean;
  /** When the pause ends by itself. */
  readonly pausedUntil: Date | undefined;
  /** The last run; undefined when there was none. */
  readonly last: Known<JobRun | undefined>;
  /** Why the records of what ran cannot be read now, where there may be some: they may tell of a later run, or of a pause. */
  readonly unread?: string | undefined;
  readonly lastSuccess: { readonly endedAt: Date; readonly durationMs: number | undefined } | undefined;
  /** What its result in a repository tells of the last run is judged by itself: a drill that failed is told of once. */
  readonly isToldByResult: boolean;
  /** The first time it was due since the last run began and did not run. */
  readonly missedAt: Date | undefined;
  /** How long after a missed time it counts as late. */
  readonly graceMs: number;
}

export interface JobRun {
  readonly startedAt: Date;
  /** Undefined while it runs. */
  readonly endedAt: Date | undefined;
  readonly outcome: 'succeeded' | 'failed' | 'running';
  /** Why it failed; of one that succeeded, what somebody has to be told all the same. */
  readonly message: string | undefined;
}
