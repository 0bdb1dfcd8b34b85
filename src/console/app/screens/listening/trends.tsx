import { addDays, dayName, daysIn, monthName, shortDay } from './filters.ts';
import { Part } from './part.tsx';
import { grouped, highest, mostOf, numberOf, textOf, type Row } from './report.ts';
import { spread, type Point } from './scale.ts';
import { TimeChart } from './time-chart.tsx';

const MARKS = 5;

export function TrendsTab() {
  return (
    <>
      <Daily wide="" />
      <div class="cols fill">
        <Part name="weeks" title="Plays by week" wide="c6" aside={({ rows }) => mostText(rows, (row) => weekName(row))}>
          {({ rows }) => <Weeks rows={rows} />}
        </Part>
        <Part name="months" title="Plays by month" wide="c6" aside={({ rows }) => mostText(rows, (row) => monthName(textOf(row, 'month')))}>
          {({ rows }) => <Months rows={rows} />}
        </Part>
      </div>
    </>
  );
}

/** Every day from the first to the last that has plays: a day without any is a gap in the bars. */
export function Daily({ wide }: { readonly wide: string }) {
  return (
    <Part
      name="days"
      title="Plays by day"
      wide={wide}
      aside={({ rows }) => `bars: a day · line: mean of 7 days · ${mostText(rows, (row) => dayName(textOf(row, 'day')))}`}
    >
      {({ rows }) => {
        const points = dayPoints(rows);
        const marks = spread(points.length, MARKS).map((at) => [at, axisDay(points, at)] as const);
        const label = `Plays by day from ${dayName(points[0]?.name ?? '')} to ${dayName(points.at(-1)?.name ?? '')}; ${mostText(rows, (row) => dayName(textOf(row, 'day')))}`;
        return (
          <div class="body">
            <TimeChart points={points} label={label} meanOver={7} marks={marks} />
          </div>
        );
      }}
    </Part>
  );
}

function dayPoints(rows: readonly Row[]): readonly Point[] {
  const [first, last] = [textOf(rows[0], 'day'), textOf(rows.at(-1), 'day')];
  const plays = new Map(rows.map((row) => [textOf(row, 'day'), numberOf(row, 'plays')]));
  return Array.from({ length: daysIn(first, last) }, (_, at) => {
    const name = addDays(first, at);
    return { name, value: plays.get(name) ?? 0 };
  });
}

function axisDay(points: readonly Point[], at: number): string {
  const day = points[at]?.name ?? '';
  const isLong = points.length > 300;
  return isLong ? monthName(day) : shortDay(day);
}

function Weeks({ rows }: { readonly rows: readonly Row[] }) {
  const points = rows.map((row) => ({ name: weekName(row), value: numberOf(row, 'plays') }));
  const marks = spread(points.length, MARKS).map((at) => [at, points[at]?.name ?? ''] as const);
  return (
    <div class="body">
      <TimeChart points={points} label={`Plays by ISO week; ${mostText(rows, weekName)}`} marks={marks} />
    </div>
  );
}

function Months({ rows }: { readonly rows: readonly Row[] }) {
  const points = rows.map((row) => ({ name: monthName(textOf(row, 'month')), value: numberOf(row, 'plays') }));
  const marks = spread(points.length, MARKS).map((at) => [at, points[at]?.name ?? ''] as const);
  return (
    <div class="body">
      <TimeChart points={points} label={`Plays by month; ${mostText(rows, (row) => monthName(textOf(row, 'month')))}`} marks={marks} />
    </div>
  );
}

function weekName(row: Row): string {
  return `${textOf(row, 'iso_year')} W${textOf(row, 'iso_week').padStart(2, '0')}`;
}

function mostText(rows: readonly Row[], name: (row: Row) => string): string {
  const row = mostOf(rows, 'plays');
  return row === undefined ? 'no plays' : `most: ${name(row)}, ${grouped(highest(rows, 'plays'))}`;
}
