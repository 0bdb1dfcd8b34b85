import { formatLsn } from '../postgres/lsn.ts';
import { segmentName } from '../postgres/segment.ts';
import { horizonPrefix, walKey, walPrefix } from './layout.ts';
import type { Repository } from './repository.ts';
import { walObject, type WalObject } from './wal-object.ts';

/** What WAL a repository has of one lineage: names only, nothing is opened. */
export interface WalCoverage {
  readonly segmentBytes: number;
  readonly timelines: ReadonlyMap<number, TimelineCoverage>;
  /** Timelines whose history file is stored. */
  readonly histories: ReadonlySet<number>;
  /** Names of the files that the server archived beside segments: `<segment>.partial`, `<segment>.<offset>.backup`. Left out for none. */
  readonly beside?: ReadonlySet<string>;
}

export interface TimelineCoverage {
  /** Stretches of complete segments without a hole, ascending: first byte, and the byte after the last. */
  readonly runs: readonly { readonly startLsn: bigint; readonly endLsn: bigint }[];
  /** Segments of which only parts are stored, and how far the parts reach, by start LSN. */
  readonly open: readonly { readonly segment: string; readonly startLsn: bigint; readonly endLsn: bigint }[];
  /** All WAL before `lsn` was here at `at` (the server's clock). */
  readonly horizon: Horizon | undefined;
  /** The same as an earlier version noted it, where one did: while its reception lagged it was not true. */
  readonly unprovenHorizon?: Horizon;
}

export interface Horizon {
  readonly lsn: bigint;
  readonly at: Date;
}

interface Draft {
  readonly segments: bigint[];
  readonly parts: Map<string, { readonly startLsn: bigint; readonly ranges: { from: number; to: number }[] }>;
  horizon: Horizon | undefined;
  unprovenHorizon: Horizon | undefined;
}

/** A receiver stores a segment in seconds at the least: a list that misses one twice in a row is not of this world. */
const LIST_ATTEMPTS = 3;

/**
 * Lists the WAL of a lineage. A list takes time, and a receiver goes on meanwhile: where the parts of a segment go when the whole
 * of it has come, the list may have neither. So what would follow is asked for by name, and if it is there, all is listed again.
 */
export async function readCoverage(repository: Repository, systemIdentifier: string, segmentBytes: number): Promise<WalCoverage> {
  for (let attempt = 1; ; attempt += 1) {
    const coverage = await listCoverage(repository, systemIdentifier, segmentBytes);
    if (attempt === LIST_ATTEMPTS || !(await hasMissed(repository, systemIdentifier, coverage))) return coverage;
  }
}

/** Whether the segment behind a stretch is there though no list had it. */
async function hasMissed({ store }: Repository, systemIdentifier: string, { timelines, segmentBytes }: WalCoverage): Promise<boolean> {
  for (const [timeline, { runs, open }] of timelines) {
    for (const { endLsn } of runs) {
      if (open.some(({ startLsn }) => startLsn === endLsn)) continue;
      if ((await store.stat(walKey(systemIdentifier, segmentName(timeline, endLsn, segmentBytes)))) !== undefined) return true;
    }
  }
  return false;
}

async function listCoverage({ store }: Repository, systemIdentifier: string, segmentBytes: number): Promise<WalCoverage> {
  const drafts = new Map<number, Draft>();
  const histories = new Set<number>();
  const beside = new Set<string>();
  const prefix = walPrefix(systemIdentifier);
  for await (const { key } of store.list(prefix)) {
    const found = walObject(systemIdentifier, key, segmentBytes);
    if (found?.kind === 'history') histories.add(found.timeline);
    else if (found !== undefined) note(drafts, found);
    if (found?.kind === 'beside') beside.add(key.slice(key.lastIndexOf('/') + 1));
  }
  // A newer one takes its place every few seconds, and one that was gone when the list came to it is left out. A list of these alone takes no time.
  for (const [timeline, { horizon }] of drafts) {
    if (horizon !== undefined) continue;
    for await (const { key } of store.list(horizonPrefix(systemIdentifier, timeline))) {
      const found = walObject(systemIdentifier, key, segmentBytes);
      if (found?.kind === 'horizon') note(drafts, found);
    }
  }
  const timelines = new Map([...drafts].map(([timeline, draft]) => [timeline, finish(draft, segmentBytes)]));
  return { segmentBytes, histories, timelines, beside };
}

function note(drafts: Map<number, Draft>, found: Exclude<WalObject, { kind: 'history' }>): void {
  const draft: Draft = drafts.get(found.timeline) ?? { segments: [], parts: new Map(), horizon: undefined, unprovenHorizon: undefined };
  drafts.set(found.timeline, draft);
  switch (found.kind) {
    case 'horizon': {
      const kind = found.isProven ? 'horizon' : 'unprovenHorizon';
      const known = draft[kind];
      if (known === undefined || found.at > known.at) draft[kind] = { lsn: found.lsn, at: found.at };
      return;
    }
    case 'segment':
      draft.segments.push(found.startLsn);
      return;
    case 'part': {
      const part = draft.parts.get(found.segment) ?? { startLsn: found.startLsn, ranges: [] };
      draft.parts.set(found.segment, part);
      part.ranges.push({ from: found.from, to: found.to });
      return;
    }
    case 'beside':
      return;
    default:
      found satisfies never;
  }
}

function finish(draft: Draft, segmentBytes: number): TimelineCoverage {
  const size = BigInt(segmentBytes);
  const starts = [...draft.segments].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  const whole = new Set(starts);
  const runs: { startLsn: bigint; endLsn: bigint }[] = [];
  for (const startLsn of starts) {
    const last = runs.at(-1);
    if (last !== undefined && last.endLsn === startLsn) last.endLsn = startLsn + size;
    else runs.push({ startLsn, endLsn: startLsn + size });
  }
  const open = [...draft.parts]
    .map(([segment, { startLsn, ranges }]) => ({ segment, startLsn, reach: reachOf(ranges) }))
    .filter(({ startLsn, reach }) => reach > 0 && !whole.has(startLsn))
    .map(({ segment, startLsn, reach }) => ({ segment, startLsn, endLsn: startLsn + BigInt(reach) }))
    .sort((a, b) => (a.startLsn < b.startLsn ? -1 : 1));
  const { horizon, unprovenHorizon } = draft;
  return { runs, open, horizon, ...(unprovenHorizon === undefined ? {} : { unprovenHorizon }) };
}

/** How far parts reach from byte 0 without a hole. */
function reachOf(ranges: readonly { readonly from: number; readonly to: number }[]): number {
  let reach = 0;
  for (const { from, to } of [...ranges].sort((a, b) => a.from - b.from)) {
    if (from > reach) break;
    reach = Math.max(reach, to);
  }
  return reach;
}

/** The byte after the last one that WAL reaches from `lsn` on this timeline without a hole, open segment included; undefined when `lsn` itself is not there. */
export function reachFrom(coverage: TimelineCoverage | undefined, lsn: bigint): bigint | undefined {
  if (coverage === undefined) return undefined;
  const run = coverage.runs.find(({ startLsn, endLsn }) => startLsn <= lsn && lsn < endLsn);
  const edge = run?.endLsn ?? lsn;
  const open = coverage.open.find(({ startLsn, endLsn }) => startLsn <= edge && edge < endLsn);
  return open?.endLsn ?? run?.endLsn;
}

/** For messages: `0/5000000 → 0/9A00000, 0/B000000 → 0/C000000`. */
export function describeRuns(coverage: TimelineCoverage): string {
  return coverage.runs.map(({ startLsn, endLsn }) => `${formatLsn(startLsn)} → ${formatLsn(endLsn)}`).join(', ');
}
