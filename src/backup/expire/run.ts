import type { Clock } from '../../base/clock.ts';
import { isDbadminError, type DbadminError } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { collect, type Collected } from '../../repository/collection.ts';
import type { ClusterIdentity } from '../../repository/identity.ts';
import { acquireLease } from '../../repository/leases.ts';
import { backupKey, leasePrefix } from '../../repository/layout.ts';
import type { Repository } from '../../repository/repository.ts';
import { noteLevel } from '../../repository/levels.ts';
import { restoreReserve, withReserve } from '../../repository/reserve.ts';
import { dumpManifestKey } from '../dump/layout.ts';
import { applyExpiry, type Expired } from './apply.ts';
import { inspectExpiry, type ExpiryInspection } from './inspect.ts';
import { makingRoom, removeLeftovers } from './leftovers-run.ts';
import { planExpiry, type Verdict } from './plan.ts';
import type { Retention } from './retention.ts';
import { readStaying, refuseUnreadable } from './staying-inspect.ts';
import { refuseAfterBroken, refuseUntold } from './verified.ts';
import { removeUnfinishedDumps } from './unfinished-dumps-run.ts';
import { planWal } from './wal-plan.ts';

export interface ExpireOptions {
  readonly retention: Retention;
  /** How long packs stay marked, and WAL and packs are too young to go: longer than any backup takes. */
  readonly graceMs: number;
  /** A long time in which nothing was stored was one, and no clock that was set ahead. */
  readonly trustsClock?: boolean;
  /** Label of the backup that was just taken, where older ones go because of it. */
  readonly after?: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** What retention says of one cluster in one repository. */
export interface ExpiryPlan {
  readonly inspection: ExpiryInspection;
  readonly backups: readonly Verdict[];
  readonly dumps: readonly Verdict[];
  readonly wal: { readonly objects: number; readonly bytes: number };
  /** Labels that no rule keeps and that the storage has locked: until when, by its clock. */
  readonly locked: ReadonlyMap<string, Date>;
}

export interface ExpiryOutcome extends ExpiryPlan {
  readonly expired: Expired;
  /** What became of the content; or why it was not collected. */
  readonly collected: Collected | DbadminError;
  /** Temporary files, unfinished uploads and objects of dumps without a manifest that were removed: what writers that died left behind. */
  readonly leftovers: number;
}

/** What would go and why the rest stays; nothing is changed. */
export async function planLineage(
  repository: Repository,
  cluster: ClusterIdentity,
  { retention, graceMs, clock, trustsClock = false }: ExpireOptions,
): Promise<ExpiryPlan> {
  const { windowMs } = retention;
  const inspection = await inspectExpiry(repository, cluster, { now: clock.now(), windowMs, dumps: retention.dumps, trustsClock });
  const { backups, dumps } = planExpiry(inspection, retention);
  const { storeNow } = inspection;
  const wal = planWal(inspection.wal, { ...inspection, verdicts: backups, windowMs, graceMs });
  const sizes = { objects: wal.length, bytes: wal.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) };
  return { inspection, backups, dumps, wal: sizes, locked: await lockedUntil(repository, cluster, { backups, dumps, storeNow }) };
}

/** Of those that would go the manifests are looked at, for without theirs they are gone. */
async function lockedUntil(
  { store }: Repository,
  { systemIdentifier }: ClusterIdentity,
  { backups, dumps, storeNow }: Pick<ExpiryPlan, 'backups' | 'dumps'> & { readonly storeNow: Date },
): Promise<ReadonlyMap<string, Date>> {
  const going = (verdicts: readonly Verdict[], keyOf: (label: string) => string): readonly (readonly [string, string])[] =>
    verdicts.flatMap(({ label, reasons }) => (reasons.length === 0 ? [[label, keyOf(label)] as const] : []));
  const keys = [
    ...going(backups, (label) => backupKey(systemIdentifier, label)),
    ...going(dumps, (label) => dumpManifestKey(`${systemIdentifier}/`, label)),
  ];
  const locked = new Map<string, Date>();
  for (const [label, key] of keys) {
    const until = (await store.stat(key))?.lockedUntil;
    if (until !== undefined && until > storeNow) locked.set(label, until);
  }
  return locked;
}

/**
 * Lets go what retention does not keep, with the WAL that nothing needs, and collects content. One at a time may do this
 * to a lineage. `show` is called with the plan before anything is removed. Nothing is while the manifest of anything that
 * stays is damaged, or of a verification whose findings nobody has cleared the report. What has to be written to make room may take what writers that died left behind, and the repository's reserve; in
 * the end that is made again.
 *
 * @throws {DbadminError} `locked` when another does it; `repository-damaged`, also when the backup `after` which it is done is broken; storage failures.
 */
export async function expireLineage(
  given: Repository,
  cluster: ClusterIdentity,
  options: ExpireOptions,
  show: (plan: ExpiryPlan) => void = () => undefined,
): Promise<ExpiryOutcome> {
  const { clock, log, signal, graceMs } = options;
  const { systemIdentifier } = cluster;
  let early = 0;
  const store = makingRoom(given.store, async () => {
    early = await removeLeftovers(given.store, `${systemIdentifier}/`, { clock, log });
    return early;
  });
  const repository = withReserve({ ...given, store }, log);
  const lease = await acquireLease(repository, systemIdentifier, 'expire', { clock, log, command: 'backup expire', signal });
  try {
    const plan = await planLineage(repository, cluster, options);
    show(plan);
    warnOfPauses(repository, plan, log);
    refuseUnreadable(repository, plan.inspection.damaged);
    refuseUntold(repository, plan.inspection);
    refuseAfterBroken(repository, plan.inspection, options.after);
    const read = removesAnything(plan) ? await readStaying(repository, systemIdentifier, plan) : undefined;
    const { windowMs } = options.retention;
    const expired = await applyExpiry(repository, systemIdentifier, plan.inspection, plan, { lease, windowMs, graceMs, log, signal });
    const { storeNow, pauses } = plan.inspection;
    const unfinished = await removeUnfinishedDumps(repository, systemIdentifier, { lease, storeNow, pauses, signal });
    const collecting = { lease, graceMs, clock, log, signal, withoutReserve: given, ...(read === undefined ? {} : { read }) };
    const collected = await collect(repository, systemIdentifier, collecting).catch((error: unknown) => {
      // What retention let go is gone, and told; with the lease lost in the middle, too.
      if (isDbadminError(error) && ['repository-format', 'repository-damaged', 'locked'].includes(error.code)) return error;
      throw error;
    });
    await noteLevel(given, systemIdentifier, { now: clock.now(), storeNow }).catch((error: unknown) => {
      if (!isDbadminError(error) || error.code === 'internal') throw error;
      log.debug(`how much lies in ${given.store.description} could not be noted: ${error.message}`);
    });
    // The lease, which is held, is as new as anything.
    const late = await removeLeftovers(given.store, leasePrefix(systemIdentifier, 'expire'), { clock, log });
    return { ...plan, expired, collected, leftovers: early + unfinished + late };
  } finally {
    await lease.release();
    await restoreReserve(given.store);
  }
}

/** Whoever knows better says so; till then the window is filled anew before it lets go of what was before. */
function warnOfPauses({ store }: Repository, { backups }: ExpiryPlan, log: Log): void {
  const why = backups.flatMap(({ reasons }) => reasons.find((reason) => reason.kind === 'pause') ?? []);
  const [pause] = why;
  if (pause === undefined) return;
  const which = why.length === 1 ? 'one backup stays that is' : `${why.length} backups stay that are`;
  log.warn(
    `${which} older than the window, for nothing was stored in ${store.description} from ${pause.from.toISOString()} to ${pause.to.toISOString()}: the clock may have been set ahead. Where it is right: dbadmin backup expire --apply --clock-is-right`,
  );
}

function removesAnything({ backups, dumps, wal }: ExpiryPlan): boolean {
  return wal.objects > 0 || [...backups, ...dumps].some(({ reasons }) => reasons.length === 0);
}
