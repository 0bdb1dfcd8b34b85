import { Twin } from '../../parts/figures.tsx';
import { formatDuration } from '../../../../base/durations.ts';
import { dayWords } from './days.ts';
import type { JobHistory } from './documents.ts';

interface DurationsProps {
  readonly history: JobHistory;
  readonly days: readonly string[];
  readonly selectedDay: string | undefined;
  readonly onDay: (day: string) => void;
}

const HEIGHT = 72;
const TOP = 8;
const FLOOR = 56;

/** How long the runs of a job took, day by day: the median as a bar, the longest as a mark, and where 95 of 100 stay below. */
export function Durations({ history, days, selectedDay, onDay }: DurationsProps) {
  const { took, days: counts } = history;
  if (took === null) return null;
  const most = Math.max(1, took.mostMs);
  const y = (ms: number): number => FLOOR - (ms / most) * (FLOOR - TOP);
  const step = 100 / days.length;
  const label = `How long ${history.job} took: median ${formatDuration(took.medianMs)}, 95 of 100 within ${formatDuration(took.p95Ms)}, at most ${formatDuration(took.mostMs)}`;
  return (
    <div class="body durations">
      <h3>
        How long it took{' '}
        <span class="meta">
          median {formatDuration(took.medianMs)} · p95 {formatDuration(took.p95Ms)} · at most {formatDuration(took.mostMs)}
        </span>
      </h3>
      <svg class="fluid" height={HEIGHT} role="img" aria-label={label}>
        <line class="axis" x1="0" x2="100%" y1={FLOOR} y2={FLOOR} />
        {counts.map((day, index) => {
          if (day?.took == null) return null;
          const { medianMs, mostMs } = day.took;
          return (
            <svg
              key={day.day}
              x={`${index * step}%`}
              width={`${step}%`}
              overflow="visible"
              class={day.day === selectedDay ? 'chosen' : undefined}
              onClick={() => onDay(day.day)}
            >
              <title>{`${dayWords(day.day)}: median ${formatDuration(medianMs)}, at most ${formatDuration(mostMs)}`}</title>
              <rect class="hit" x="0" y="0" width="100%" height={FLOOR} />
              <rect class="took" x="20%" width="60%" y={y(medianMs)} height={Math.max(1.5, FLOOR - y(medianMs))} />
              {mostMs > medianMs ? <line class="most" x1="20%" x2="80%" y1={y(mostMs)} y2={y(mostMs)} /> : null}
            </svg>
          );
        })}
        <line class="p95" x1="0" x2="100%" y1={y(took.p95Ms)} y2={y(took.p95Ms)} />
        <text x="0" y={HEIGHT - 3}>
          {dayWords(days[0] ?? '').replace(/^\S+ /, '')}
        </text>
        <text x="100%" y={HEIGHT - 3} text-anchor="end">
          {dayWords(days.at(-1) ?? '').replace(/^\S+ /, '')}
        </text>
      </svg>
      <Twin
        title="Durations by day"
        columns={[{ head: 'Day' }, ...['Runs done', 'Median', 'p95', 'At most'].map((head) => ({ head, isNumber: true }))]}
        rows={counts.flatMap((day) =>
          day?.took == null
            ? []
            : [
                [
                  dayWords(day.day),
                  day.done,
                  formatDuration(day.took.medianMs),
                  formatDuration(day.took.p95Ms),
                  formatDuration(day.took.mostMs),
                ],
              ],
        )}
      />
    </div>
  );
}
