import { isAhead } from '../../repository/stored-moment.ts';
import type { ListedDump } from '../dump/dump-times.ts';
import type { DumpExtent } from '../dump/extent.ts';
import type { KeepReason } from './retention.ts';

/** A dump as retention sees it. */
export interface StoredDump extends ListedDump {
  /** What its manifest says; undefined where it cannot be read, or nobody asked. */
  readonly content: DumpContent | undefined;
}

export interface DumpContent {
  readonly extent: DumpExtent;
  /** Names of those in it. */
  readonly databases: readonly string[];
  /** Names of those that were there and are not in it. */
  readonly leftOut: readonly string[];
}

/** What is known against dumps, and when. */
export interface DumpState {
  /** Those of which something is missing or damaged: they take no other's place. */
  readonly brokenDumps: ReadonlyMap<string, string>;
  /** By the clock that is furthest on. */
  readonly now: Date;
}

/**
 * Why each of the dumps stays, by label, where `count` are to be kept: of each database the last `count` dumps that hold all of
 * it, and the last `count` parts. Only what is known to be whole takes a whole one's place: a dump of which nobody knows, or whose manifest cannot be
 * read, stays until `count` newer ones are known to be; and with a database that these leave out, until `count` are known to hold all of it: of its like
 * each may be definitions alone, and an older one the last rows.
 *
 * A database that is left out keeps its last dumps for whatever reason it is: another policy, a job or somebody's crontab may dump it apart, which
 * nothing here tells.
 *
 * The last are those that began last, and those that were stored last: what is taken under a clock that is behind is not let go at once. One of a moment
 * that has not come takes no place and stays; a broken one takes none and stays as long as it would if it were whole.
 */
export function dumpReasons(dumps: readonly StoredDump[], count: number, { brokenDumps, now }: DumpState): ReadonlyMap<string, KeepReason> {
  const timed = dumps.filter(({ startedAt }) => !isAhead(startedAt, now));
  const orders = [timed, timed.toSorted((a, b) => a.storedAt.getTime() - b.storedAt.getTime())];
  const reasons = new Map<string, KeepReason>();
  for (const order of orders) {
    const whole = order.filter(({ label }) => !brokenDumps.has(label));
    for (const [label, reason] of reasonsAlong(whole, count)) if (!reasons.has(label)) reasons.set(label, reason);
    const broken = [...reasonsAlong(order, count)].filter(([label]) => brokenDumps.has(label));
    for (const [label, reason] of broken) if (!reasons.has(label)) reasons.set(label, reason);
  }
  for (const { label, startedAt } of dumps) if (isAhead(startedAt, now)) reasons.set(label, { kind: 'ahead' });
  return reasons;
}

/** By one order, oldest first. */
function reasonsAlong(dumps: readonly StoredDump[], count: number): ReadonlyMap<string, KeepReason> {
  const known = [...new Set(dumps.flatMap(({ content }) => content?.databases ?? []))];
  const newer = new Tally();
  const reasons: [string, KeepReason][] = [];
  for (const { label, content } of dumps.toReversed()) {
    const reason = reasonFor(content, known, newer, count);
    if (reason !== undefined) reasons.push([label, reason]);
    if (content !== undefined) newer.add(content);
  }
  return new Map(reasons.reverse());
}

function reasonFor(content: DumpContent | undefined, known: readonly string[], newer: Tally, count: number): KeepReason | undefined {
  if (content?.extent === 'part') return newer.parts < count ? { kind: 'last-part', count } : undefined;
  if (content?.extent === 'whole') {
    const databases = content.databases.filter((database) => newer.tellingOf(database) < count);
    return databases.length === 0 && newer.whole >= count ? undefined : { kind: 'last', count, databases };
  }
  if (newer.whole < count) return { kind: 'unrecorded', count };
  const databases = (content?.databases ?? known).filter((database) => newer.tellingOf(database) < count);
  return databases.length === 0 ? undefined : { kind: 'unrecorded', count, databases };
}

/** What the dumps that are newer than one are. */
class Tally {
  parts = 0;
  whole = 0;
  readonly #leftOut = new Map<string, number>();

  add({ extent, leftOut }: DumpContent): void {
    if (extent === 'part') this.parts += 1;
    if (extent !== 'whole') return;
    this.whole += 1;
    for (const database of leftOut) this.#leftOut.set(database, (this.#leftOut.get(database) ?? 0) + 1);
  }

  /** Whole ones that hold all of a database, or are of when it was gone: dumps of databases that were dropped go with time, too. */
  tellingOf(database: string): number {
    return this.whole - (this.#leftOut.get(database) ?? 0);
  }
}
