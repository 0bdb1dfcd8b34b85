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
 * read, stays until `count` newer ones are known to be.
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
  for (const { label } of dumps) if (!timed.some((each) => each.label === label)) reasons.set(label, { kind: 'ahead' });
  return reasons;
}

/** By one order, oldest first. */
function reasonsAlong(dumps: readonly StoredDump[], count: number): ReadonlyMap<string, KeepReason> {
  const known = [...new Set(dumps.flatMap(({ content }) => content?.databases ?? []))];
  const reasons = new Map<string, KeepReason>();
  for (const [at, { label, content }] of dumps.entries()) {
    const newer = dumps.slice(at + 1).flatMap((dump) => dump.content ?? []);
    const reason = reasonFor(content, known, newer, count);
    if (reason !== undefined) reasons.set(label, reason);
  }
  return reasons;
}

function reasonFor(
  content: DumpContent | undefined,
  known: readonly string[],
  newer: readonly DumpContent[],
  count: number,
): KeepReason | undefined {
  if (content?.extent === 'part')
    return newer.filter(({ extent }) => extent === 'part').length < count ? { kind: 'last-part', count } : undefined;
  const whole = newer.filter(({ extent }) => extent === 'whole');
  const databases = (content?.databases ?? known).filter((database) => whole.filter((each) => tellsOf(each, database)).length < count);
  if (databases.length === 0 && whole.length >= count) return undefined;
  return content?.extent === 'whole' ? { kind: 'last', count, databases } : { kind: 'unrecorded', count };
}

/** Holds all of a database, or is of when it was gone: dumps of databases that were dropped go with time, too. */
function tellsOf({ leftOut }: DumpContent, database: string): boolean {
  return !leftOut.includes(database);
}
