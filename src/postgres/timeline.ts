import { DbadminError } from '../base/errors.ts';
import { parseLsn } from './lsn.ts';

/** One line of a history file: `timeline` was left at `switchLsn`, the first byte that belongs to the next. */
export interface TimelineSwitch {
  readonly timeline: number;
  readonly switchLsn: bigint;
  readonly reason: string;
}

/** The ancestors of a timeline, oldest first, as its history file has them. */
export type TimelineHistory = readonly TimelineSwitch[];

const LINE_FORM = /^\s*(\d+)\s+([0-9A-Fa-f]+\/[0-9A-Fa-f]+)(?:\s+(.*))?$/;

/**
 * Reads a `.history` file: the ancestors of its timeline, oldest first. Comments and empty lines are skipped.
 *
 * Positions may go back from one line to the next: a server that is told to recover along timeline 2 to a position before it began
 * writes that it left 2 there, below the line that says where 2 began. What was replayed is the ancestor's up to the later line's
 * position, and so it is given; of the timeline between nothing was.
 *
 * @throws {DbadminError} `wal-invalid` when a line has another form, or timelines do not grow.
 * @see https://www.postgresql.org/docs/current/continuous-archiving.html#BACKUP-TIMELINES
 */
export function parseTimelineHistory(text: string): TimelineHistory {
  const switches: TimelineSwitch[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '' || line.trimStart().startsWith('#')) continue;
    const match = LINE_FORM.exec(line);
    if (match === null) throw invalidLine(index, line, 'A line holds a timeline, the WAL position at which it was left, and a reason.');
    const timeline = Number(match[1]);
    const switchLsn = parseLsn(match[2] ?? '');
    const before = switches.at(-1);
    if (before !== undefined && timeline <= before.timeline) throw invalidLine(index, line, 'Timelines only grow from line to line.');
    for (const [at, each] of switches.entries()) if (each.switchLsn > switchLsn) switches[at] = { ...each, switchLsn };
    switches.push({ timeline, switchLsn, reason: (match[3] ?? '').trim() });
  }
  return switches;
}

/** The timeline that the byte at `lsn` belongs to, seen from `timeline` with its history: an ancestor's before its switch point, else its own. */
export function timelineOfLsn(timeline: number, history: TimelineHistory, lsn: bigint): number {
  return history.find(({ switchLsn }) => lsn < switchLsn)?.timeline ?? timeline;
}

/**
 * Whether WAL of `ancestor` up to `lsn` leads to `timeline`: it is that timeline itself, or one of its history that was not left before `lsn`.
 * A backup that ended at `lsn` on `ancestor` can be recovered along `timeline` only then.
 */
export function isAncestorPosition(timeline: number, history: TimelineHistory, ancestor: number, lsn: bigint): boolean {
  if (ancestor === timeline) return true;
  const left = history.find((each) => each.timeline === ancestor);
  return left !== undefined && lsn <= left.switchLsn;
}

function invalidLine(index: number, line: string, detail: string): DbadminError {
  return new DbadminError('wal-invalid', `line ${index + 1} of the timeline history is invalid: "${line}"`, { detail });
}
