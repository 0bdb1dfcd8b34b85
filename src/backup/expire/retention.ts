import { formatDuration } from '../../base/durations.ts';
import type { Period } from './periods.ts';

/** What is to be kept of one cluster in one repository. */
export interface Retention {
  /** Every moment since so long ago is to be restorable; undefined: no such promise. */
  readonly windowMs: number | undefined;
  /** Sound backups to keep: the newest of all, and the newest of each of so many hours, days and so on that have any. */
  readonly keep: Readonly<Record<'last' | Period, number>>;
  /** Sound backups that stay whatever their age; at least 1. */
  readonly minimum: number;
  /** Dumps to keep of each database, and parts of dumps; undefined: all. */
  readonly dumps: number | undefined;
  /** In which days and weeks begin: an IANA name. */
  readonly timeZone: string;
}

/** Why a backup or dump stays. */
export type KeepReason =
  | { readonly kind: 'window'; readonly windowMs: number }
  /** It would be in the window but for a pause, in which a clock may have been set ahead. */
  | { readonly kind: 'pause'; readonly windowMs: number; readonly from: Date; readonly to: Date }
  /** The newest from before the window: without it the window would begin later. */
  | { readonly kind: 'window-start'; readonly timeline: number }
  /** With `databases`, of dumps: one of the last that hold all of these. */
  | { readonly kind: 'last'; readonly count: number; readonly databases?: readonly string[] }
  /** A dump of definitions or single tables only: these have a count of their own. */
  | { readonly kind: 'last-part'; readonly count: number }
  /** A dump that does not say whether it is whole; with `databases`: those of it that newer whole ones leave out, until so many hold all of each. */
  | { readonly kind: 'unrecorded'; readonly count: number; readonly databases?: readonly string[] }
  | { readonly kind: 'period'; readonly rule: Period; readonly period: string }
  | { readonly kind: 'minimum'; readonly count: number }
  | { readonly kind: 'hold'; readonly reason: string; readonly until: Date | null }
  /** An audit found a mismatch, and nobody has found out yet which backups have the pages wrong: whatever is as old or older may be needed. */
  | { readonly kind: 'audit'; readonly audit: string }
  /** It has damaged pages, is suspect or was found broken, and there is no newer sound one. */
  | { readonly kind: 'newest-damaged' }
  /** It is of a moment that has not come: a clock was ahead, and nothing tells how old it is. */
  | { readonly kind: 'ahead' }
  /** No rule says what may go. */
  | { readonly kind: 'no-rule' };

/** For people: `daily 2026-11-21`. */
export function describeReason(reason: KeepReason): string {
  switch (reason.kind) {
    case 'window':
      return `in the window of ${formatDuration(reason.windowMs)}`;
    case 'pause':
      return `in the window of ${formatDuration(reason.windowMs)} but for ${reason.from.toISOString()} to ${reason.to.toISOString()}, when nothing was stored: the clock may have been set ahead`;
    case 'window-start':
      return `the window begins with it${reason.timeline === 1 ? '' : ` (timeline ${reason.timeline})`}`;
    case 'last':
      return `one of the last ${reason.count}${reason.databases === undefined ? '' : ` of ${reason.databases.join(', ')}`}`;
    case 'last-part':
      return `one of the last ${reason.count} that hold definitions or single tables only`;
    case 'unrecorded':
      return `it does not say whether it is whole, and ${whyUnrecorded(reason)}`;
    case 'period':
      return `${reason.rule} ${reason.period}`;
    case 'minimum':
      return reason.count === 1 ? 'the newest always stays' : `the newest ${reason.count} always stay`;
    case 'hold':
      return `held${reason.until === null ? '' : ` until ${reason.until.toISOString()}`}: ${reason.reason}`;
    case 'newest-damaged':
      return 'damaged, broken or suspect, and none that is sound is newer';
    case 'audit':
      return `until dbadmin backup acknowledge ${reason.audit}: its audit found pages that differ`;
    case 'ahead':
      return 'of a moment that has not come: a clock was ahead';
    case 'no-rule':
      return 'no retention is configured';
    default:
      return reason satisfies never;
  }
}

function whyUnrecorded({ count, databases }: Extract<KeepReason, { readonly kind: 'unrecorded' }>): string {
  return `fewer than ${count} newer ones are known to ${databases === undefined ? 'be' : `hold all of ${databases.join(', ')}`}`;
}
