import { Bars } from './bars.tsx';
import { busiest, Heat, HeatLegend } from './heat.tsx';
import { useListening } from './listening-context.ts';
import { Part } from './part.tsx';
import { grouped, highest, mostOf, numberOf, sumOf, textOf, type Row } from './report.ts';
import { TimeChart } from './time-chart.tsx';

const hasNone = ({ rows }: { readonly rows: readonly Row[] }): boolean => sumOf(rows, 'plays') === 0;

export function WhenTab() {
  const { filters } = useListening();
  const zone = filters.zone ?? "each listener's own zone";
  return (
    <>
      <Part name="week-hours" title="Plays by weekday and hour" aside={({ rows }) => `most: ${busiest(rows) ?? 'none'}`} isEmpty={hasNone}>
        {({ rows }) => (
          <div class="body">
            <Heat rows={rows} />
            <HeatLegend most={highest(rows, 'plays')} what={`hour in which a play ended, ${zone}`} />
          </div>
        )}
      </Part>
      <div class="cols fill">
        <Part name="hours" title="Plays by hour" wide="c7" isEmpty={hasNone} aside={({ rows }) => hourText(mostOf(rows, 'plays'))}>
          {({ rows }) => <Hours rows={rows} />}
        </Part>
        <Part name="weekdays" title="Plays by day of the week" wide="c5" isEmpty={hasNone}>
          {({ rows }) => (
            <Bars
              isPlain
              bars={rows.map((row) => ({
                key: textOf(row, 'day_of_week'),
                name: textOf(row, 'day_name'),
                value: numberOf(row, 'plays'),
                text: grouped(numberOf(row, 'plays')),
                more: `${((numberOf(row, 'plays') / sumOf(rows, 'plays')) * 100).toFixed(1)} %`,
              }))}
            />
          )}
        </Part>
      </div>
    </>
  );
}

/** By hour, and by the part of the day that it belongs to. */
function Hours({ rows }: { readonly rows: readonly Row[] }) {
  const all = sumOf(rows, 'plays');
  const parts = [...new Set(rows.map((row) => textOf(row, 'part_of_day')))];
  const points = rows.map((row) => ({ name: `${textOf(row, 'hour')} h`, value: numberOf(row, 'plays') }));
  return (
    <div class="body">
      <TimeChart
        points={points}
        label={`Plays by hour; ${hourText(mostOf(rows, 'plays'))}`}
        marks={[0, 6, 12, 18, 23].map((hour) => [hour, `${hour} h`])}
      />
      <p class="legend">
        {parts.map((part) => (
          <span key={part}>
            {part}{' '}
            {(
              (sumOf(
                rows.filter((row) => row['part_of_day'] === part),
                'plays',
              ) /
                all) *
              100
            ).toFixed(1)}{' '}
            %
          </span>
        ))}
      </p>
    </div>
  );
}

function hourText(row: Row | undefined): string {
  return row === undefined ? 'no plays' : `most: ${textOf(row, 'hour')}–${numberOf(row, 'hour') + 1} h, ${grouped(numberOf(row, 'plays'))}`;
}
