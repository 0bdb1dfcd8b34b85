import type { Hold } from '../../repository/holds.ts';
import type { BackupSummary } from '../../repository/manifest.ts';
import { isAhead, momentOf } from '../../repository/stored-moment.ts';
import { parseLsn } from '../../postgres/lsn.ts';
import { isAncestorPosition } from '../../postgres/timeline.ts';
import { isTrusted, type Suspicions } from '../suspicion.ts';
import { NONE_BROKEN, type BrokenBackups } from '../broken.ts';
import type { Lineage } from '../restore/recover-along.ts';
import { dumpReasons, type StoredDump } from './dump-plan.ts';
import { livedMs, type Pause } from './pauses.ts';
import { PERIODS, periodOf, type Period } from './periods.ts';
import type { KeepReason, Retention } from './retention.ts';

/** A backup as retention sees it. */
export interface StoredBackup {
  readonly summary: BackupSummary;
  /** By the store's clock. */
  readonly storedAt: Date;
}

export interface ExpiryState {
  /** By timeline and LSN, oldest first. */
  readonly backups: readonly StoredBackup[];
  readonly suspicions: Suspicions;
  readonly broken: BrokenBackups;
  readonly brokenDumps: BrokenBackups;
  /** By their beginnings, oldest first. */
  readonly dumps: readonly StoredDump[];
  /** Those in force, by label. */
  readonly holds: ReadonlyMap<string, readonly Hold[]>;
  /** The timelines in use: something came along them within the window, or lately where there is none. */
  readonly lineages: readonly Lineage[];
  /** This machine's clock: compared with what tools wrote. */
  readonly now: Date;
  /** The store's: compared with when objects were stored. */
  readonly storeNow: Date;
  /** The newest first; in them nothing grows older. Absent: none. */
  readonly pauses?: readonly Pause[];
}

/** Whether a backup or dump stays, and all reasons why. Without a reason it goes. */
export interface Verdict {
  readonly label: string;
  readonly reasons: readonly KeepReason[];
}

/**
 * What stays and why. Damaged and suspect backups count for no rule; from a mismatch that nobody has looked into back nothing goes. A backup is as old as the younger of its two times says, so that a clock that
 * was set, the tool's or the store's, lets nothing go early, and where both are one, pauses tell; what is dated to a moment that has not come is as old as when it was stored. Of a moment that has not come yet by any clock it stays, and takes
 * no period's place, until that moment has come.
 *
 * Those that a verification found broken count for no rule either. They stay as long as they would if they were whole: a copy of the repository may have
 * what they lack, and most of their files are there. So what a verification found keeps more, and never lets go of more.
 */
export function planExpiry(
  state: ExpiryState,
  retention: Retention,
): { readonly backups: readonly Verdict[]; readonly dumps: readonly Verdict[] } {
  const reasons = new Map<string, KeepReason[]>(state.backups.map(({ summary }) => [summary.label, holdReasons(state, summary.label)]));
  const keep = (label: string, reason: KeepReason): void => void reasons.get(label)?.push(reason);
  const isCounted = (backup: StoredBackup): boolean => isSound(backup, state);
  const orders = ordersOf(state);
  keepYoung(state, retention, keep);
  for (const backup of state.backups) if (isOfNoTime(state, backup)) keep(backup.summary.label, { kind: 'ahead' });
  keepByRules(state, retention, { orders, isCounted }, keep);
  if (state.broken.size > 0) {
    const wouldCount = (backup: StoredBackup): boolean => isSound(backup, { ...state, broken: NONE_BROKEN });
    keepByRules(state, retention, { orders, isCounted: wouldCount }, (label, reason) =>
      state.broken.has(label) ? keep(label, reason) : undefined,
    );
  }
  const trailing = orders.flatMap((order) => order.slice(order.findLastIndex(isCounted) + 1));
  for (const { summary } of new Set(trailing)) keep(summary.label, { kind: 'newest-damaged' });
  for (const { audit } of state.suspicions.open) for (const label of upTo(state.backups, audit)) keep(label, { kind: 'audit', audit });
  if (!hasRule(retention)) for (const { summary } of state.backups) keep(summary.label, { kind: 'no-rule' });
  return {
    backups: state.backups.map(({ summary: { label } }) => ({ label, reasons: reasons.get(label) ?? [] })),
    dumps: planDumps(state, retention),
  };
}

/** The orders that tell which backups are the newest, and which count. */
interface Counted {
  readonly orders: readonly (readonly StoredBackup[])[];
  readonly isCounted: (backup: StoredBackup) => boolean;
}

/** What the rules keep of those that count. */
function keepByRules(state: ExpiryState, retention: Retention, { orders, isCounted }: Counted, keep: Keep): void {
  const sound = state.backups.filter(isCounted);
  const keepNewest = (count: number, reason: KeepReason): void => {
    const last = orders.flatMap((order) => newest(order.filter(isCounted), count));
    for (const { summary } of new Set(last)) keep(summary.label, reason);
  };
  keepWindowStart(state, retention, sound, keep);
  keepNewest(retention.keep.last, { kind: 'last', count: retention.keep.last });
  for (const rule of PERIODS) keepPeriods(state, rule, retention, sound, keep);
  const minimum = Math.max(1, retention.minimum);
  keepNewest(minimum, { kind: 'minimum', count: minimum });
}

/** Whether a backup counts: neither damaged, nor on a side of a mismatch, nor found broken. */
export function isSound({ summary }: StoredBackup, { suspicions, broken }: Pick<ExpiryState, 'suspicions' | 'broken'>): boolean {
  return summary.damage === null && isTrusted(suspicions.byLabel.get(summary.label)) && !broken.has(summary.label);
}

/** Those that came before a backup, by position or by time, and itself. */
function upTo(backups: readonly StoredBackup[], label: string): readonly string[] {
  const at = backups.findIndex(({ summary }) => summary.label === label);
  const finishedAt = backups[at]?.summary.finishedAt ?? '';
  return backups.filter(({ summary }, n) => n <= at || summary.finishedAt <= finishedAt).map(({ summary }) => summary.label);
}

function holdReasons(state: ExpiryState, label: string): KeepReason[] {
  return (state.holds.get(label) ?? []).map(({ reason, until }) => ({ kind: 'hold', reason, until }));
}

function hasRule({ windowMs, keep }: Retention): boolean {
  return windowMs !== undefined || Object.values(keep).some((count) => count > 0);
}

function newest<Item>(items: readonly Item[], count: number): readonly Item[] {
  return count === 0 ? [] : items.slice(-count);
}

/**
 * All orders that tell which backups are the newest: by when they ended, and by WAL along each timeline in use that no other one with a
 * newer backup comes of. Two branches may be at work at once, the cluster's and that of a server nobody stopped, and which of them is the
 * cluster's is not known: neither the higher number nor the later backup says so, and neither may take the places of the other.
 */
function ordersOf(state: ExpiryState): readonly (readonly StoredBackup[])[] {
  const { backups, lineages } = state;
  const branches = lineages.map((lineage) => backups.filter((backup) => leadsTo(lineage, backup)));
  const isGoneOnFrom = (branch: readonly StoredBackup[]): boolean => {
    const tip = branch.at(-1);
    return tip === undefined || branches.some((other) => other.includes(tip) && other.at(-1) !== tip);
  };
  const timed = backups
    .filter((backup) => !isOfNoTime(state, backup))
    .sort((a, b) => endOf(state, a).getTime() - endOf(state, b).getTime());
  return [timed, ...branches.filter((branch) => !isGoneOnFrom(branch))];
}

function leadsTo({ timeline, history }: Lineage, { summary }: StoredBackup): boolean {
  return isAncestorPosition(timeline, history, summary.stopTimeline, parseLsn(summary.stopLsn));
}

type Keep = (label: string, reason: KeepReason) => void;

/** Whether a backup is younger than the window. */
function isYoung(state: ExpiryState, backup: StoredBackup, windowMs: number, pauses: readonly Pause[] = state.pauses ?? []): boolean {
  const { now, storeNow } = state;
  return livedMs(now, endOf(state, backup), pauses) < windowMs || livedMs(storeNow, backup.storedAt, pauses) < windowMs;
}

function endOf(state: ExpiryState, { summary, storedAt }: StoredBackup): Date {
  return momentOf(new Date(summary.finishedAt), storedAt, latestOf(state));
}

/** Whether nothing tells how old a backup is: the moment at which it ended has not come, by any clock that there is. */
function isOfNoTime(state: ExpiryState, backup: StoredBackup): boolean {
  return isAhead(endOf(state, backup), latestOf(state));
}

function latestOf({ now, storeNow }: ExpiryState): Date {
  return now > storeNow ? now : storeNow;
}

function keepYoung(state: ExpiryState, { windowMs }: Retention, keep: Keep): void {
  if (windowMs === undefined) return;
  const [pause] = state.pauses ?? [];
  for (const backup of state.backups) {
    const { label } = backup.summary;
    if (isYoung(state, backup, windowMs, [])) keep(label, { kind: 'window', windowMs });
    else if (pause !== undefined && isYoung(state, backup, windowMs)) keep(label, { kind: 'pause', windowMs, ...pause });
  }
}

/** On each timeline the newest that is older than the window: from there the window's beginning is reached. */
function keepWindowStart(state: ExpiryState, { windowMs }: Retention, sound: readonly StoredBackup[], keep: Keep): void {
  if (windowMs === undefined) return;
  for (const lineage of state.lineages) {
    const start = sound.filter((backup) => leadsTo(lineage, backup) && !isYoung(state, backup, windowMs)).at(-1);
    if (start !== undefined) keep(start.summary.label, { kind: 'window-start', timeline: lineage.timeline });
  }
}

/** The newest of each of the last periods that have any. */
function keepPeriods(
  state: ExpiryState,
  rule: Period,
  { keep: counts, timeZone }: Retention,
  sound: readonly StoredBackup[],
  keep: Keep,
): void {
  const seen = new Set<string>();
  const byTime = sound
    .filter((backup) => !isOfNoTime(state, backup))
    .map((backup) => ({ label: backup.summary.label, at: endOf(state, backup) }))
    .sort((a, b) => a.at.getTime() - b.at.getTime());
  for (const { label, at } of byTime.reverse()) {
    if (seen.size >= counts[rule]) return;
    const period = periodOf(rule, at, timeZone);
    if (seen.has(period)) continue;
    seen.add(period);
    keep(label, { kind: 'period', rule, period });
  }
}

function planDumps(state: ExpiryState, { dumps }: Retention): readonly Verdict[] {
  const stay = dumps === undefined ? undefined : dumpReasons(state.dumps, Math.max(1, dumps), { ...state, now: latestOf(state) });
  return state.dumps.map(({ label }) => {
    const reason: KeepReason | undefined = stay === undefined ? { kind: 'no-rule' } : stay.get(label);
    return { label, reasons: [...holdReasons(state, label), ...(reason === undefined ? [] : [reason])] };
  });
}
