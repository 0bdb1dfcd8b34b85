import { shortDay } from './filters.ts';
import { Plain } from './library.tsx';
import { useListening } from './listening-context.ts';
import { Part, useReport } from './part.tsx';
import { grouped, highest, numberOf, shownValue, signed, sumOf, textOf, type Row } from './report.ts';
import { shadeOf, spread } from './scale.ts';
import { TimeChart } from './time-chart.tsx';

const NO_CHARTS = (
  <>
    No chart meets these filters; charts are loaded with <code>dbadmin spotify load regional-global-weekly.csv</code>.
  </>
);
const GENRES = 10;
const SHOWN = 50;
const WEEKS = 26;

/** Charts: who moved, who came, who stayed, and which genres. */
export function ChartsTab() {
  return (
    <>
      <ChooseChart />
      <Part name="chart-movement" title="Movement" isTable empty={NO_CHARTS} aside={({ rows }) => issueText(rows)}>
        {({ rows }) => <Movement rows={rows.slice(0, SHOWN)} all={rows.length} />}
      </Part>
      <div class="cols fill">
        <Part name="chart-entries" title="New entries by issue" wide="c6" empty={NO_CHARTS}>
          {({ rows }) => <Entries rows={rows} />}
        </Part>
        <Part name="chart-genres" title="Genre share by week" wide="c6" empty="No artist of a chart has a genre.">
          {({ rows }) => <GenreWeeks rows={rows} />}
        </Part>
      </div>
      <Plain name="chart-tracks" title="Peak and weeks on the chart" wide="" empty={NO_CHARTS} />
    </>
  );
}

/** Charts differ in what they count: one at a time says more than all together. */
function ChooseChart() {
  const { filters, change } = useListening();
  const { answer } = useReport('chart-entries', {});
  const charts = [...new Set((answer?.document.parts[0]?.rows ?? []).map((row) => textOf(row, 'chart')))];
  if (charts.length < 2 && filters.chart === undefined) return null;
  return (
    <div class="bar">
      <label class="field row">
        Chart
        <select value={filters.chart ?? ''} onChange={({ currentTarget }) => change({ chart: currentTarget.value })}>
          <option value="">all of them</option>
          {charts.map((chart) => (
            <option key={chart} value={chart}>
              {chart}
            </option>
          ))}
        </select>
      </label>
    </div>
  );
}

function issueText(rows: readonly Row[]): string {
  const issues = [...new Set(rows.map((row) => textOf(row, 'starts_on')))];
  return issues.length === 1 ? `issue of ${issues[0] ?? ''}` : `${issues.length} issues`;
}

function Movement({ rows, all }: { readonly rows: readonly Row[]; readonly all: number }) {
  const hasCharts = new Set(rows.map((row) => row['chart'])).size > 1;
  return (
    <>
      <div class="scroll" role="region" aria-label="Movement as a table" tabIndex={0}>
        <table>
          <thead>
            <tr>
              {hasCharts ? <th scope="col">Chart</th> : null}
              <th scope="col" class="num">
                Rank
              </th>
              <th scope="col">Song</th>
              <th scope="col">Movement</th>
              <th scope="col">Last issues</th>
              <th scope="col" class="num">
                Peak
              </th>
              <th scope="col" class="num">
                Weeks
              </th>
              <th scope="col" class="num hide-s">
                Streams
              </th>
            </tr>
          </thead>
          <tbody>
            {rows.map((row, at) => (
              <tr key={at}>
                {hasCharts ? <td>{textOf(row, 'chart')}</td> : null}
                <td class="num">{textOf(row, 'rank') || '–'}</td>
                <th scope="row">
                  <bdi>{textOf(row, 'track')}</bdi>
                  <small class="sub">
                    <bdi>{textOf(row, 'artist')}</bdi>
                  </small>
                </th>
                <td class="nowrap">{movementText(row)}</td>
                <td>
                  <Ranks text={textOf(row, 'ranks')} />
                </td>
                <td class="num">{textOf(row, 'peak_rank')}</td>
                <td class="num">{textOf(row, 'weeks_on_chart')}</td>
                <td class="num hide-s">{shownValue('count', row['streams'] ?? null)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {rows.length < all ? (
        <p class="note">
          {rows.length} of {grouped(all)}; the CSV has all.
        </p>
      ) : null}
    </>
  );
}

function movementText(row: Row): string {
  if (row['is_new'] === true) return 'new';
  if (row['is_back'] === true) return 'back';
  if (row['movement'] === null) return '–';
  const places = numberOf(row, 'movement');
  return places === 0 ? '=' : `${places > 0 ? '▲' : '▼'} ${signed(places, '')}`;
}

/** Ranks of the last issues as a line, the best at the top; a gap where it was not in. */
function Ranks({ text }: { readonly text: string }) {
  const ranks = text.split(' ').map((each) => (each === '-' || each === '' ? undefined : Number(each)));
  const known = ranks.flatMap((rank) => rank ?? []);
  if (known.length === 0) return null;
  const [best, worst] = [Math.min(...known), Math.max(...known)];
  const y = (rank: number): number => (worst === best ? 8 : 2 + ((rank - best) / (worst - best)) * 12);
  const x = (at: number): number => (ranks.length === 1 ? 40 : 2 + (at / (ranks.length - 1)) * 76);
  const label = `Ranks: ${ranks.map((rank) => rank ?? 'not in').join(', ')}`;
  return (
    <svg class="spark" width="80" height="16" role="img" aria-label={label}>
      {ranks.map((rank, at) => {
        const next = ranks[at + 1];
        return rank === undefined || next === undefined ? null : (
          <line key={at} class="ln" x1={x(at)} y1={y(rank)} x2={x(at + 1)} y2={y(next)} />
        );
      })}
      {ranks.map((rank, at) => (rank === undefined ? null : <circle key={`c${at}`} class="dot" cx={x(at)} cy={y(rank)} r="1.6" />))}
    </svg>
  );
}

function Entries({ rows }: { readonly rows: readonly Row[] }) {
  const issues = [...new Set(rows.map((row) => textOf(row, 'starts_on')))].sort();
  const points = issues.map((issue) => ({
    name: issue,
    value: sumOf(
      rows.filter((row) => row['starts_on'] === issue),
      'new_entries',
    ),
  }));
  const marks = spread(points.length, 4).map((at) => [at, shortDay(points[at]?.name ?? '')] as const);
  const most = highest(rows, 'new_entries');
  return (
    <div class="body">
      <TimeChart points={points} unit="new entries" label={`New entries by issue; most of a chart: ${most}`} marks={marks} />
    </div>
  );
}

/** Genres by rows, weeks by columns, shade by share; the last weeks where there are many. */
function GenreWeeks({ rows }: { readonly rows: readonly Row[] }) {
  const weeks = [...new Set(rows.map((row) => textOf(row, 'week_start')))].sort().slice(-WEEKS);
  const all = [...new Set(rows.map((row) => textOf(row, 'genre')))];
  const entries = (genre: string): number =>
    sumOf(
      rows.filter((row) => row['genre'] === genre && weeks.includes(textOf(row, 'week_start'))),
      'entries',
    );
  const genres = all.sort((a, b) => entries(b) - entries(a)).slice(0, GENRES);
  const share = (genre: string, week: string): number => {
    const here = rows.filter((row) => row['week_start'] === week);
    const total = sumOf(here, 'entries');
    return total === 0
      ? 0
      : (sumOf(
          here.filter((row) => row['genre'] === genre),
          'entries',
        ) /
          total) *
          100;
  };
  const most = Math.max(...genres.flatMap((genre) => weeks.map((week) => share(genre, week))));
  const width = 100 / weeks.length;
  return (
    <div class="body">
      <div class="genre-weeks" role="img" aria-label={`Share of genres by week; largest: ${genres[0] ?? ''}`}>
        {genres.map((genre) => (
          <div key={genre} class="row">
            <span>{genre}</span>
            <svg height="20">
              {weeks.map((week, at) => (
                <rect
                  key={week}
                  class={`q${shadeOf(share(genre, week), most)}`}
                  x={`${at * width}%`}
                  width={`${width * 0.94}%`}
                  y="1"
                  height="18"
                >
                  <title>{`${genre}, week of ${week}: ${share(genre, week).toFixed(1)} %`}</title>
                </rect>
              ))}
            </svg>
          </div>
        ))}
        <div class="row axis-row">
          <span />
          <span class="ends">
            <span>{shortDay(weeks[0] ?? '')}</span>
            <span>{shortDay(weeks.at(-1) ?? '')}</span>
          </span>
        </div>
      </div>
      <p class="legend">
        <span class="ramp">
          share of a week: 0 %
          {[0, 1, 2, 3, 4, 5].map((shade) => (
            <i key={shade} class={`q${shade}`} />
          ))}
          {most.toFixed(0)} %
        </span>
      </p>
    </div>
  );
}
