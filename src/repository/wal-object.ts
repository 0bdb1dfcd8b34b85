import { parseLsn } from '../postgres/lsn.ts';
import { isHistoryName, segmentPosition, type SegmentPosition } from '../postgres/segment.ts';
import { PROVEN_HORIZON, walPrefix } from './layout.ts';

interface OfSegment extends SegmentPosition {
  readonly segment: string;
}

/** What an object among the WAL of a lineage is, as its key says. @see FORMAT.md "Keys" */
export type WalObject =
  | { readonly kind: 'history'; readonly timeline: number }
  | ({ readonly kind: 'segment' } & OfSegment)
  /** What the server archives beside a segment, and never in the place of one. */
  | ({ readonly kind: 'beside' } & OfSegment)
  /** The bytes `[from, to)` of a segment. */
  | ({ readonly kind: 'part'; readonly from: number; readonly to: number } & OfSegment)
  | { readonly kind: 'horizon'; readonly timeline: number; readonly lsn: bigint; readonly at: Date; readonly isProven: boolean };

const PLACE = /^([0-9A-F]{8})\/([^/]+)$/;
const HORIZON = /^horizon\.([0-9A-F]{1,8})_([0-9A-F]{1,8})-(\d+)-/;
const SEGMENT = /^([0-9A-F]{24})(\.partial|\.[0-9A-F]{8}\.backup)?$/;
const PART = /^([0-9A-F]{24})\.part\.([0-9A-F]{8})-([0-9A-F]{8})-/;

/**
 * What lies under `key`; undefined where a cluster with segments of this size has no WAL of that name in that place. Whoever lists takes
 * names from here: anybody who can write there can put one, and what is no WAL of this cluster says nothing of what is.
 */
export function walObject(systemIdentifier: string, key: string, segmentBytes: number): WalObject | undefined {
  const prefix = walPrefix(systemIdentifier);
  if (!key.startsWith(prefix)) return undefined;
  const name = key.slice(prefix.length);
  if (isHistoryName(name)) return { kind: 'history', timeline: Number.parseInt(name, 16) };
  const [, digits, file = ''] = PLACE.exec(name) ?? [];
  if (digits === undefined) return undefined;
  const timeline = Number.parseInt(digits, 16);
  const [, high, low, ms] = HORIZON.exec(file) ?? [];
  if (high !== undefined && low !== undefined) {
    const at = new Date(Number(ms));
    if (Number.isNaN(at.getTime())) return undefined;
    return { kind: 'horizon', timeline, lsn: parseLsn(`${high}/${low}`), at, isProven: file.endsWith(PROVEN_HORIZON) };
  }
  const [, segment = '', from, to] = PART.exec(file) ?? SEGMENT.exec(file) ?? [];
  const position = segmentPosition(segment, segmentBytes);
  if (position?.timeline !== timeline) return undefined;
  if (to === undefined) return { kind: from === undefined ? 'segment' : 'beside', segment, ...position };
  const range = { from: Number.parseInt(from ?? '', 16), to: Number.parseInt(to, 16) };
  return range.to > segmentBytes ? undefined : { kind: 'part', segment, ...position, ...range };
}
