import { html } from '../../../base/html.ts';
import { shown } from '../measure.ts';
import { numberOf, textOf, type Row } from '../section.ts';
import { columnsChart, type ChartColumn } from './columns.ts';
import { heatMap } from './heat.ts';
import { lineChart } from './line.ts';
import type { Panel } from './panel.ts';
import { bar, counted, highest, most, nothing, twin } from './parts.ts';
import { dayText, daysBetween, monthText } from './scale.ts';

const PARTS = ['Night', 'Morning', 'Afternoon', 'Evening'];

const hours: Panel = (data) => {
  const peak = most(data.rows, 'plays');
  const columns = data.rows.map((row): ChartColumn => {
    const hour = textOf(row, 'hour');
    return {
      label: hour,
      title: `${hour}–${Number(hour) + 1} h, ${textOf(row, 'part_of_day')}: ${counted(numberOf(row, 'plays'), 'play')}`,
      parts: [{ value: numberOf(row, 'plays'), shade: 2 + Math.max(0, PARTS.indexOf(textOf(row, 'part_of_day'))) }],
    };
  });
  const sums = PARTS.map((part) =>
    data.rows.filter((row) => textOf(row, 'part_of_day') === part).reduce((sum, row) => sum + numberOf(row, 'plays'), 0),
  );
  const finding =
    peak === undefined
      ? 'Plays by hour: none'
      : `Plays by hour; most between ${textOf(peak, 'hour')} and ${numberOf(peak, 'hour') + 1} h, ${counted(numberOf(peak, 'plays'), 'play')}`;
  return html`${columnsChart(columns, { finding, labels: 8 })}
    <ul class="legend">
      ${PARTS.map((part, at) => html`<li><i class="key k${2 + at}"></i>${part} ${(sums[at] ?? 0).toLocaleString('en')}</li>`)}
    </ul>
    ${twin(data)}`;
};

const weekdays: Panel = (data) => {
  const peak = most(data.rows, 'plays');
  const top = highest(data.rows, 'plays');
  const sum = data.rows.reduce((total, row) => total + numberOf(row, 'plays'), 0);
  return html`<table class="ranking">
      <caption class="vh">
        Plays by day of the week${peak === undefined ? '' : `; most on ${textOf(peak, 'day_name')}`}
      </caption>
      <thead class="vh">
        <tr>
          <th scope="col">Day</th>
          <th scope="col">Length</th>
          <th scope="col">Plays</th>
          <th scope="col">Share</th>
        </tr>
      </thead>
      <tbody>
        ${data.rows.map(
          (row) =>
            html`<tr>
              <th scope="row">${textOf(row, 'day_name')}</th>
              <td class="barcell">${bar(numberOf(row, 'plays'), top, numberOf(row, 'day_of_week') > 5 ? 5 : 4)}</td>
              <td class="num">${shown('count', row['plays'] ?? null)}</td>
              <td class="num faint">${sum > 0 ? `${((numberOf(row, 'plays') / sum) * 100).toFixed(1)} %` : ''}</td>
            </tr>`,
        )}
      </tbody>
    </table>
    <ul class="legend">
      <li><i class="key k4"></i>weekday</li>
      <li><i class="key k5"></i>weekend</li>
    </ul>`;
};

const weekHours: Panel = (data) => {
  const peak = most(data.rows, 'plays');
  const days = [...new Map(data.rows.map((row) => [numberOf(row, 'day_of_week'), textOf(row, 'day_name').slice(0, 3)])).values()];
  const cells = data.rows.map((row) => ({
    row: numberOf(row, 'day_of_week') - 1,
    column: numberOf(row, 'hour'),
    value: numberOf(row, 'plays'),
    title: `${textOf(row, 'day_name')} ${textOf(row, 'hour')}–${numberOf(row, 'hour') + 1} h: ${counted(numberOf(row, 'plays'), 'play')}`,
  }));
  const finding =
    peak === undefined
      ? 'Plays by weekday and hour: none'
      : `Plays by weekday and hour; most on ${textOf(peak, 'day_name')} between ${textOf(peak, 'hour')} and ${numberOf(peak, 'hour') + 1} h, ${counted(numberOf(peak, 'plays'), 'play')}`;
  const columns = Array.from({ length: 24 }, (_, hour) => (hour % 3 === 0 ? String(hour) : ''));
  return html`${heatMap(cells, { finding, rows: days, columns })}
    <ul class="legend ramp">
      <li>0</li>
      ${[0, 1, 2, 3, 4, 5].map((step) => html`<li><i class="key q${step}"></i></li>`)}
      <li>${counted(highest(data.rows, 'plays'), 'play')} an hour</li>
    </ul>
    ${twin(data)}`;
};

const days: Panel = (data) => {
  const [first, last] = [data.rows[0], data.rows.at(-1)].map((row) => textOf(row ?? {}, 'day'));
  const byDay = new Map(data.rows.map((row) => [textOf(row, 'day'), numberOf(row, 'plays')]));
  const points =
    first === undefined || first === '' ? [] : daysBetween(first, last ?? first).map((day) => ({ day, value: byDay.get(day) ?? 0 }));
  const peak = most(data.rows, 'plays');
  if (peak === undefined) return nothing();
  const finding = `Plays by day from ${dayText(first ?? '')} to ${dayText(last ?? '')}; most on ${dayText(textOf(peak, 'day'))}, ${counted(numberOf(peak, 'plays'), 'play')}`;
  return html`${lineChart(points, { finding, mean: 7 })}
    <ul class="legend">
      <li><i class="key linekey"></i>a day</li>
      ${points.length >= 14 ? html`<li><i class="key linekey strong"></i>mean of seven days</li>` : undefined}
      <li>most: ${dayText(textOf(peak, 'day'))}, ${counted(numberOf(peak, 'plays'), 'play')}</li>
    </ul>
    ${twin(data)}`;
};

const weeks: Panel = (data) => {
  const peak = most(data.rows, 'plays');
  if (peak === undefined) return nothing();
  const starts = data.rows.map((row) => textOf(row, 'week_start'));
  const byWeek = new Map(data.rows.map((row) => [textOf(row, 'week_start'), row]));
  const all = daysBetween(starts[0] ?? '', starts.at(-1) ?? '').filter((_, at) => at % 7 === 0);
  const columns = all.map((start): ChartColumn => {
    const row: Row = byWeek.get(start) ?? {};
    const name = byWeek.has(start) ? `${textOf(row, 'iso_year')}-W${textOf(row, 'iso_week').padStart(2, '0')}` : start;
    return {
      label: name.replace(/^\d\d(\d\d)-/, '$1-'),
      title: `${name}, from ${dayText(start)}: ${counted(numberOf(row, 'plays'), 'play')}`,
      parts: [{ value: numberOf(row, 'plays'), shade: 4 }],
    };
  });
  const finding = `Plays by ISO week; most in week ${textOf(peak, 'iso_week')} of ${textOf(peak, 'iso_year')}, ${counted(numberOf(peak, 'plays'), 'play')}`;
  return html`${columnsChart(columns, { finding, labels: 8 })}${twin(data)}`;
};

const months: Panel = (data) => {
  const peak = most(data.rows, 'plays');
  if (peak === undefined) return nothing();
  const columns = data.rows.map((row): ChartColumn => ({
    label: monthText(textOf(row, 'month')).replace(/ 20(\d\d)$/, ' $1'),
    title: `${monthText(textOf(row, 'month'))}: ${counted(numberOf(row, 'plays'), 'play')}`,
    parts: [{ value: numberOf(row, 'plays'), shade: 4 }],
  }));
  return html`${columnsChart(columns, { finding: `Plays by month; most in ${monthText(textOf(peak, 'month'))}`, labels: 8 })}${twin(data)}`;
};

/** When was played. */
export const TIME_PANELS: Readonly<Record<string, Panel>> = { hours, weekdays, 'week-hours': weekHours, days, weeks, months };
