import { grouped, highest, mostOf, numberOf, sumOf, textOf, type Row } from './report.ts';
import { shadeOf } from './scale.ts';

const ROW = 22;
const TOP = 36;
const DAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];
const HOURS = Array.from({ length: 24 }, (_, hour) => hour);

/** `Thursday 20–21 h, 84 plays` */
export function busiest(rows: readonly Row[]): string | undefined {
  const row = mostOf(rows, 'plays');
  if (row === undefined) return undefined;
  const hour = numberOf(row, 'hour');
  return `${textOf(row, 'day_name')} ${hour}–${hour + 1} h, ${grouped(numberOf(row, 'plays'))} plays`;
}

/** Plays by weekday and hour as shades, with the sums of each day and each hour at the margins. */
export function Heat({ rows }: { readonly rows: readonly Row[] }) {
  const most = highest(rows, 'plays');
  const ofDay = DAYS.map((_, at) =>
    sumOf(
      rows.filter((row) => numberOf(row, 'day_of_week') === at + 1),
      'plays',
    ),
  );
  const ofHour = HOURS.map((hour) =>
    sumOf(
      rows.filter((row) => numberOf(row, 'hour') === hour),
      'plays',
    ),
  );
  const [mostOfDay, mostOfHour] = [Math.max(1, ...ofDay), Math.max(1, ...ofHour)];
  const finding = busiest(rows);
  return (
    <div class="heat" role="img" aria-label={`Plays by weekday and hour${finding === undefined ? '' : `; most on ${finding}`}`}>
      <div class="days">
        {DAYS.map((day) => (
          <span key={day}>{day}</span>
        ))}
      </div>
      <svg class="plot" height={TOP + 7 * ROW + 18}>
        {ofHour.map((plays, hour) => {
          const height = (plays / mostOfHour) * (TOP - 6);
          return (
            <rect key={hour} class="margin" x={percent(hour + 0.1)} width={percent(0.8)} y={TOP - 3 - height} height={height}>
              <title>{`${hour}–${hour + 1} h: ${grouped(plays)} plays`}</title>
            </rect>
          );
        })}
        {rows.map((row) => {
          const [day, hour, plays] = [numberOf(row, 'day_of_week'), numberOf(row, 'hour'), numberOf(row, 'plays')];
          return (
            <rect
              key={`${day} ${hour}`}
              class={`q${shadeOf(plays, most)}${plays === most && most > 0 ? ' pk' : ''}`}
              x={percent(hour + 0.03)}
              width={percent(0.94)}
              y={TOP + (day - 1) * ROW + 1}
              height={ROW - 2}
            >
              <title>{`${textOf(row, 'day_name')} ${hour}–${hour + 1} h: ${grouped(plays)}`}</title>
            </rect>
          );
        })}
        {HOURS.filter((hour) => hour % 3 === 0).map((hour) => (
          <text key={hour} x={percent(hour + 0.5)} y={TOP + 7 * ROW + 14} text-anchor="middle">
            {hour}
          </text>
        ))}
      </svg>
      <svg class="sums" height={TOP + 7 * ROW + 18}>
        {ofDay.map((plays, at) => (
          <g key={at}>
            <rect class="margin" x="0" width={`${(plays / mostOfDay) * 50}%`} y={TOP + at * ROW + 5} height={ROW - 10} />
            <text x="100%" y={TOP + at * ROW + 15} text-anchor="end">
              {grouped(plays)}
            </text>
          </g>
        ))}
      </svg>
    </div>
  );
}

function percent(hours: number): string {
  return `${((hours / 24) * 100).toFixed(2)}%`;
}

/** What the shades mean. */
export function HeatLegend({ most, what }: { readonly most: number; readonly what: string }) {
  return (
    <p class="legend">
      <span>{what}</span>
      <span class="ramp">
        plays a cell: 0
        {[0, 1, 2, 3, 4, 5].map((shade) => (
          <i key={shade} class={`q${shade}`} />
        ))}
        {grouped(most)}
      </span>
    </p>
  );
}
