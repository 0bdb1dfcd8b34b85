import { DbadminError } from '../base/errors.ts';

/** A place in the WAL: a timeline and the first byte of a segment on it. */
export interface SegmentPosition {
  readonly timeline: number;
  readonly startLsn: bigint;
}

const SEGMENT_FORM = /^[0-9A-F]{24}$/;
const HISTORY_FORM = /^[0-9A-F]{8}\.history$/;
const ADDRESSABLE_PER_NAME_PART = 0x1_0000_0000n;

/** The file name of the segment that holds the byte at `lsn`: timeline, then the segment's number in two parts, 8 hexadecimal digits each. */
export function segmentName(timeline: number, lsn: bigint, segmentBytes: number): string {
  const number = lsn / BigInt(segmentBytes);
  const perPart = ADDRESSABLE_PER_NAME_PART / BigInt(segmentBytes);
  return `${hex8(timeline)}${hex8(number / perPart)}${hex8(number % perPart)}`;
}

/**
 * The timeline and first byte of the segment with this file name.
 *
 * @throws {DbadminError} `wal-name-invalid` when it is not a segment's name, or none that exists with this segment size.
 */
export function parseSegmentName(name: string, segmentBytes: number): SegmentPosition {
  if (!isSegmentName(name)) {
    throw new DbadminError('wal-name-invalid', `"${name}" is not the name of a WAL segment`, {
      hint: 'A segment is named by 24 hexadecimal digits, such as 000000010000000000000014.',
    });
  }
  const position = segmentPosition(name, segmentBytes);
  if (position !== undefined) return position;
  throw new DbadminError('wal-name-invalid', `there is no WAL segment ${name} in a cluster with segments of ${segmentBytes} bytes`, {
    hint: 'It belongs to a cluster with smaller segments (initdb --wal-segsize).',
  });
}

/** The same of a name that was found somewhere; undefined where {@link parseSegmentName} throws. */
export function segmentPosition(name: string, segmentBytes: number): SegmentPosition | undefined {
  if (!isSegmentName(name)) return undefined;
  const perPart = ADDRESSABLE_PER_NAME_PART / BigInt(segmentBytes);
  const low = BigInt(`0x${name.slice(16)}`);
  if (low >= perPart) return undefined;
  const number = BigInt(`0x${name.slice(8, 16)}`) * perPart + low;
  return { timeline: Number.parseInt(name.slice(0, 8), 16), startLsn: number * BigInt(segmentBytes) };
}

/** The name of the segment after this one, on the same timeline. */
export function nextSegment(name: string, segmentBytes: number): string {
  const { timeline, startLsn } = parseSegmentName(name, segmentBytes);
  return segmentName(timeline, startLsn + BigInt(segmentBytes), segmentBytes);
}

/** Whether `text` has the form of a whole segment's name; `.partial` and `.backup` files are none. */
export function isSegmentName(text: string): boolean {
  return SEGMENT_FORM.test(text);
}

/** Whether `text` has the form `00000002.history`. */
export function isHistoryName(text: string): boolean {
  return HISTORY_FORM.test(text);
}

/** The file name of a timeline's history. */
export function historyName(timeline: number): string {
  return `${hex8(timeline)}.history`;
}

function hex8(value: number | bigint): string {
  return value.toString(16).toUpperCase().padStart(8, '0');
}

/** What the archiver may offer, by its file name alone. */
export type WalFile =
  | { readonly kind: 'segment'; readonly segment: string }
  /** Left unfinished by its timeline: `<segment>.partial`. */
  | { readonly kind: 'partial'; readonly segment: string }
  | { readonly kind: 'history'; readonly timeline: number }
  /** `<segment>.<offset>.backup`. */
  | { readonly kind: 'backup-history'; readonly segment: string };

/** What kind of WAL file this is; undefined when PostgreSQL has no such name. */
export function walFileOf(name: string): WalFile | undefined {
  if (isSegmentName(name)) return { kind: 'segment', segment: name };
  if (isHistoryName(name)) return { kind: 'history', timeline: Number.parseInt(name.slice(0, 8), 16) };
  const match = /^([0-9A-F]{24})\.(partial|[0-9A-F]{8}\.backup)$/.exec(name);
  if (match === null) return undefined;
  return { kind: match[2] === 'partial' ? 'partial' : 'backup-history', segment: match[1] ?? '' };
}
