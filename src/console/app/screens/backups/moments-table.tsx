import { formatDuration } from '../../../../base/durations.ts';
import { moment, type Shown } from '../../words.ts';
import type { BandRow } from './lanes.tsx';
import type { Marks } from './marks.ts';
import { KIND_WORDS } from './marks.ts';
import { gapReason } from './restore-words.ts';

const SHOWN = 200;

/** The numbers of the timeline for who does not look at it: what can be restored, what not, and what the marks are. */
export function MomentsTable({
  rows,
  marks,
  shown,
}: {
  readonly rows: readonly BandRow[];
  readonly marks: readonly Marks[];
  readonly shown: Shown;
}) {
  const events = marks
    .filter(({ kind }) => kind !== 'full' && kind !== 'incremental')
    .flatMap(({ kind, atMs, names }) => names.map((name, index) => ({ kind, name, atMs: atMs[index] ?? 0 })))
    .sort((a, b) => b.atMs - a.atMs);
  const at = (ms: number): string => moment(new Date(ms).toISOString(), shown, true);
  return (
    <details class="twin note">
      <summary>Numbers as a table</summary>
      <table class="stackt">
        <thead>
          <tr>
            <th>Timeline</th>
            <th>What</th>
            <th>From</th>
            <th>To</th>
            <th>Lasts</th>
          </tr>
        </thead>
        <tbody>
          {rows.flatMap(({ timeline, bands, gaps }) =>
            [
              ...bands.map((band) => ({ ...band, what: band.kind === 'proven' ? 'restorable' : 'restorable, no drill since' })),
              ...gaps.map((gap) => ({
                ...gap,
                what: `gap: ${gapReason(gap.reasons)}${gap.isOpen ? ', nothing behind it before the next backup' : ''}`,
              })),
            ]
              .sort((a, b) => a.fromMs - b.fromMs)
              .map(({ fromMs, toMs, what }) => (
                <tr key={`${timeline} ${what} ${fromMs}`}>
                  <td>{timeline}</td>
                  <td>{what}</td>
                  <td>{at(fromMs)}</td>
                  <td>{at(toMs)}</td>
                  <td>{formatDuration(toMs - fromMs)}</td>
                </tr>
              )),
          )}
        </tbody>
      </table>
      {events.length === 0 ? null : (
        <table class="stackt">
          <thead>
            <tr>
              <th>Mark</th>
              <th>Name</th>
              <th>Moment</th>
            </tr>
          </thead>
          <tbody>
            {events.slice(0, SHOWN).map(({ kind, name, atMs }) => (
              <tr key={`${kind} ${name} ${atMs}`}>
                <td>{KIND_WORDS[kind][0]}</td>
                <td>{name}</td>
                <td>{at(atMs)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </details>
  );
}
