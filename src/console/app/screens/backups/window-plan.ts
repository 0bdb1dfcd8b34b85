import { formatDuration } from '../../../../base/durations.ts';
import { counted, moment, type Shown } from '../../words.ts';
import { bandsOf, gapsOf, type Gap, type Stretch } from './bands.ts';
import type { Backup, Info } from './documents.ts';
import type { BandRow } from './lanes.tsx';
import { KIND_WORDS, type Marks } from './marks.ts';
import type { Jump } from './moment-fields.tsx';
import type { View } from './time-scale.ts';
import { stamp } from './zoned-time.ts';

/** More than these would be a wall of lines: the newest, and the one that is looked along. */
const MOST_ROWS = 4;
const MOST_JUMPS = 100;

/** A row of moments for each timeline that has some, the newest below. */
export function rowsOf(info: Info, backups: readonly Backup[], chosen: number | undefined, nowMs: number): readonly BandRow[] {
  const withSome = info.timelines.filter(({ stretches, timeline }) => stretches.length > 0 || timeline === info.timeline);
  const newest = new Set(withSome.slice(-MOST_ROWS).map(({ timeline }) => timeline));
  const drill = info.lastPassedDrill;
  const drilled = drill === null ? undefined : backups.find(({ label }) => label === drill.backup);
  return withSome
    .filter(({ timeline }) => newest.has(timeline) || timeline === chosen)
    .map(({ timeline, stretches }): BandRow => {
      // A drill proves the timeline that its backup lies on, and those that come from it up to then.
      const isProven = drill !== null && (drilled === undefined || drilled.stopTimeline <= timeline);
      const missing = info.gaps.filter((gap) => gap.timeline <= timeline);
      return {
        timeline,
        bands: bandsOf(stretches, isProven ? Date.parse(drill.finishedAt) : undefined),
        gaps: gapsOf(stretches, timeline === info.timeline ? missing : missing.filter(({ to }) => to !== null), nowMs),
      };
    });
}

/** All there is, up to now, with a little room. */
export function boundsOf(rows: readonly BandRow[], marks: readonly Marks[], nowMs: number): View {
  const starts = [
    ...rows.flatMap(({ bands }) => bands.slice(0, 1).map(({ fromMs }) => fromMs)),
    ...marks.flatMap(({ atMs }) => (atMs[0] === undefined ? [] : [atMs[0]])),
  ];
  const first = Math.min(nowMs - 60_000, ...starts);
  const room = (nowMs - first) * 0.02;
  return { fromMs: first - room, toMs: nowMs + room };
}

/** The first and the last moment that can be chosen; gaps lie between. Undefined when nothing can be restored. */
export function rangeOf(stretches: readonly Stretch[], gaps: readonly Gap[], nowMs: number): View | undefined {
  const [first] = stretches;
  const last = stretches.at(-1);
  if (first === undefined || last === undefined) return undefined;
  const isCut = gaps.some(({ isOpen }) => isOpen);
  return { fromMs: Date.parse(first.from), toMs: isCut ? nowMs : Math.max(Date.parse(first.from), Date.parse(last.to ?? last.from)) };
}

/**
 * What is looked at before somebody chooses: the last whole second that can surely be restored. The end itself is too near: what
 * the preflight knows of the stored WAL a moment later may end a few milliseconds before. Never in a gap before the last stretch.
 */
export function firstMoment({ fromMs, toMs }: View, stretches: readonly Stretch[]): number {
  const soonMs = Math.max(fromMs, Math.floor(toMs / 1000) * 1000 - 1000);
  const last = stretches.at(-1);
  if (last === undefined) return soonMs;
  const beginMs = Date.parse(last.from);
  return Math.max(beginMs, Math.min(soonMs, last.to === null ? beginMs : Date.parse(last.to)));
}

/** The marks that somebody may want to go to, the newest first: restore points, what was before migrations, ends of backups. */
export function jumpsTo(marks: readonly Marks[], timeZone: string): readonly Jump[] {
  return marks
    .filter(({ kind }) => kind === 'restore-point' || kind === 'migration' || kind === 'full' || kind === 'incremental')
    .flatMap(({ kind, atMs, names }) => {
      const from = Math.max(0, names.length - MOST_JUMPS);
      return names.slice(from).map((name, index): Jump => {
        const at = atMs[from + index] ?? 0;
        // To before a migration, not into it.
        const toMs = kind === 'migration' ? at - 1000 : at;
        return { atMs: toMs, label: `${kind === 'migration' ? 'before ' : `${KIND_WORDS[kind][0]} `}${name}, ${stamp(toMs, timeZone)}` };
      });
    })
    .sort((a, b) => b.atMs - a.atMs)
    .slice(0, MOST_JUMPS);
}

/** What the timeline shows, as a sentence. */
export function windowSentence(cluster: string, info: Info, stretches: readonly Stretch[], rows: readonly BandRow[], shown: Shown): string {
  const [first] = stretches;
  const last = stretches.at(-1);
  if (first === undefined || last === undefined) return `Nothing of ${cluster} can be restored to a moment.`;
  const gaps = rows.at(-1)?.gaps ?? [];
  const end = last.to === null ? 'the end of its stored WAL' : moment(last.to, shown, true);
  const longest = Math.max(0, ...gaps.map(({ fromMs, toMs }) => toMs - fromMs));
  const holes = gaps.length === 0 ? 'no gaps' : `${counted(gaps.length, 'gap')}, the longest ${formatDuration(longest)}`;
  const proven =
    info.lastPassedDrill === null ? 'no drill has passed yet' : `last proven ${moment(info.lastPassedDrill.finishedAt, shown)}`;
  return `Restorable between ${moment(first.from, shown, true)} and ${end}; ${holes}; ${proven}.`;
}
