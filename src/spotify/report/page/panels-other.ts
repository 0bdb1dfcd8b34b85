import { html, joined, type Markup } from '../../../base/html.ts';
import { shown } from '../measure.ts';
import { numberOf, textOf, type Column, type Row, type SectionRows } from '../section.ts';
import { columnsChart, type ChartColumn } from './columns.ts';
import type { Panel } from './panel.ts';
import { bar, counted, dataTable, highest, nothing, peopleColumns, tile, twin } from './parts.ts';
import { dayText, short } from './scale.ts';

const RANGES: Readonly<Record<string, string>> = { short_term: 'about 4 weeks', medium_term: 'about 6 months', long_term: 'about a year' };
const GENRES = 5;
const LISTED = 25;

const listener: Panel = (data) => {
  const [only, ...others] = data.rows;
  if (only === undefined) return nothing('No listener.');
  if (others.length > 0) return dataTable(data, { limit: LISTED });
  return html`<dl class="cards words">
    <div>
      <dt>User name</dt>
      <dd><bdi>${textOf(only, 'user_name')}</bdi></dd>
    </div>
    <div>
      <dt>Subscription</dt>
      <dd>${textOf(only, 'account_type') || 'not known'}</dd>
    </div>
    <div>
      <dt>Country</dt>
      <dd>${countryName(textOf(only, 'country')) || 'not known'}</dd>
    </div>
    <div>
      <dt>Time zone</dt>
      <dd>
        ${textOf(only, 'time_zone')
          .split('/')
          .map((part, at) => html`${at === 0 ? undefined : html`/<wbr />`}${part}`)}
      </dd>
    </div>
  </dl>`;
};

const countries: Panel = ({ rows }) => {
  if (rows.length === 0) return nothing('No listener.');
  const top = highest(rows, 'listeners');
  return html`<table class="ranking">
    <caption class="vh">
      Listeners by country
    </caption>
    <thead class="vh">
      <tr>
        <th scope="col">Country</th>
        <th scope="col">Length</th>
        <th scope="col">Listeners</th>
      </tr>
    </thead>
    <tbody>
      ${rows.map(
        (row) =>
          html`<tr>
            <th scope="row">${countryName(textOf(row, 'country')) || 'not known'}</th>
            <td class="barcell">${bar(numberOf(row, 'listeners'), top)}</td>
            <td class="num">${shown('count', row['listeners'] ?? null)}</td>
          </tr>`,
      )}
    </tbody>
  </table>`;
};

/** ISO 3166 code as a name in English; the code where there is none. */
function countryName(code: string): string {
  return /^[A-Z]{2}$/.test(code) ? (new Intl.DisplayNames('en', { type: 'region', fallback: 'code' }).of(code) ?? code) : code;
}

const favourites: Panel = (data, { covers }) => {
  if (data.rows.length === 0) return nothing('No list was taken: dbadmin spotify fetch top asks Spotify for them.');
  const lists = Map.groupBy(data.rows, (row) => `${textOf(row, 'listener')}\n${textOf(row, 'time_range')}`);
  const name = data.section.columns.at(4)?.key ?? '';
  return html`<div class="lists">
    ${[...lists.values()].map((rows) => {
      const [first = {}] = rows;
      return html`<section>
        <h3><bdi>${textOf(first, 'listener')}</bdi>, ${RANGES[textOf(first, 'time_range')] ?? textOf(first, 'time_range')}</h3>
        <ol class="people">
          ${rows.map(
            (row) =>
              html`<li>
                <span class="rank">${textOf(row, 'rank')}</span>${tile(row, textOf(row, name), covers)}<span
                  ><bdi>${textOf(row, name)}</bdi
                  >${textOf(row, 'album_name') === '' ? undefined : html`<small><bdi>${textOf(row, 'album_name')}</bdi></small>`}</span
                >
              </li>`,
          )}
        </ol>
        <p class="quiet">taken ${textOf(first, 'taken')}</p>
      </section>`;
    })}
  </div>`;
};

const list =
  (empty: string): Panel =>
  (data) =>
    data.rows.length === 0 ? nothing(empty) : dataTable(data, { limit: LISTED, columns: tellingColumns(data) });

/** Without the listener where all rows are of one. */
function tellingColumns({ section, rows }: SectionRows): readonly Column[] {
  const listeners = new Set(rows.map((row) => textOf(row, 'listener')));
  return peopleColumns(section.columns).filter(({ key }) => key !== 'listener' || listeners.size > 1);
}

const movement: Panel = (data) => {
  if (data.rows.length === 0) return nothing('No issue of a chart.');
  const charts = Map.groupBy(data.rows, (row) => textOf(row, 'chart'));
  return joined(
    [...charts].map(([chart, rows]) => {
      const limit = rows.slice(0, LISTED);
      return html`<h3><bdi>${chart}</bdi> <span class="quiet">issue of ${dayText(textOf(rows[0] ?? {}, 'starts_on'))}</span></h3>
        <div class="scroll">
          <table class="moves">
            <caption class="vh">
              Movement in ${chart}
            </caption>
            <thead>
              <tr>
                <th scope="col" class="num">Rank</th>
                <th scope="col">Moved</th>
                <th scope="col">Track</th>
                <th scope="col" class="num">Peak</th>
                <th scope="col" class="num">Weeks</th>
                <th scope="col" class="wide">Ranks so far</th>
                <th scope="col" class="num wide">Streams</th>
              </tr>
            </thead>
            <tbody>
              ${limit.map(
                (row) =>
                  html`<tr>
                    <td class="num">${textOf(row, 'rank') || '–'}</td>
                    <td class="tight">${moved(row)}</td>
                    <th scope="row">
                      <bdi>${textOf(row, 'track') || 'nameless'}</bdi><small><bdi>${textOf(row, 'artist')}</bdi></small>
                    </th>
                    <td class="num">${textOf(row, 'peak_rank') || '–'}</td>
                    <td class="num">${textOf(row, 'weeks_on_chart')}</td>
                    <td class="spark wide">${sparkline(textOf(row, 'ranks'))}</td>
                    <td class="num wide">${shown('count', row['streams'] ?? null)}</td>
                  </tr> `,
              )}
            </tbody>
          </table>
        </div>
        ${rows.length > limit.length ? html`<p class="quiet note">${limit.length} of ${rows.length}: dbadmin spotify report chart-movement --format csv has all.</p>` : undefined}`;
    }),
  );
};

/** Shape, sign and word before colour: it reads in grey. */
function moved(row: Row): Markup {
  if (row['movement'] === null) {
    if (row['is_new'] === 'true') return html`<span class="tag">new</span>`;
    return html`<span class="quiet">${row['is_back'] === 'true' ? 'back' : '–'}</span>`;
  }
  const places = numberOf(row, 'movement');
  if (places === 0) return html`<span class="quiet" title="as before">＝</span>`;
  const word = places > 0 ? 'up' : 'down';
  return html`<span class="${word}"
    ><span aria-hidden="true">${places > 0 ? '▲' : '▼'}</span> ${Math.abs(places)}<span class="vh"> ${word}</span></span
  >`;
}

/** Ranks over issues, the top above; a gap where it was not in. The ranks themselves are its name. */
function sparkline(ranks: string): Markup {
  const values = ranks.split(' ').map((rank) => (/^\d+$/.test(rank) ? Number(rank) : undefined));
  const known = values.filter((value) => value !== undefined);
  if (known.length === 0) return html`<span class="quiet">–</span>`;
  const [low, high] = [Math.min(...known), Math.max(...known)];
  const x = (at: number): number => 4 + (values.length < 2 ? 46 : (at / (values.length - 1)) * 92);
  const y = (value: number): number => 4 + (high === low ? 8 : ((value - low) / (high - low)) * 16);
  const segments: string[][] = [[]];
  values.forEach((value, at) => {
    if (value === undefined) segments.push([]);
    else segments.at(-1)?.push(`${short(x(at))},${short(y(value))}`);
  });
  const last = values.at(-1);
  return html`<svg width="100" height="24" role="img" aria-label="ranks ${ranks.replaceAll('-', 'out')}">
    ${segments.map((points) =>
      points.length > 1
        ? html`<polyline class="line" points="${points.join(' ')}" />`
        : points.map((point) => html`<circle class="dot" cx="${point.split(',')[0]}" cy="${point.split(',')[1]}" r="1.5" />`),
    )}${last === undefined ? undefined : html`<circle class="dot" cx="${short(x(values.length - 1))}" cy="${short(y(last))}" r="2.5" />`}
  </svg>`;
}

const byChart =
  (draw: (chart: string, data: SectionRows) => Markup): Panel =>
  (data) =>
    data.rows.length === 0
      ? nothing('No issue of a chart.')
      : joined(
          [...Map.groupBy(data.rows, (row) => textOf(row, 'chart'))].map(
            ([chart, rows]) =>
              html`<figure>
                <figcaption>
                  <h3><bdi>${chart}</bdi></h3>
                </figcaption>
                ${draw(chart, { ...data, rows })}
              </figure>`,
          ),
        );

const entries = byChart((chart, data) => {
  const columns = data.rows.map((row): ChartColumn => ({
    label: dayText(textOf(row, 'starts_on')).replace(/ \d{4}$/, ''),
    title: `${dayText(textOf(row, 'starts_on'))}: ${row['new_entries'] === null ? 'the first issue known' : `${textOf(row, 'new_entries')} new, ${textOf(row, 'returned')} back, ${textOf(row, 'gone')} gone`}`,
    parts: [
      { value: numberOf(row, 'new_entries'), shade: 5 },
      { value: numberOf(row, 'returned'), shade: 3 },
    ],
  }));
  const sum = data.rows.reduce((total, row) => total + numberOf(row, 'new_entries'), 0);
  return html`${columnsChart(columns, { finding: `New entries of ${chart} by issue: ${sum} in ${counted(data.rows.length, 'issue')}`, labels: 6 })}
    <ul class="legend">
      <li><i class="key k5"></i>new</li>
      <li><i class="key k3"></i>back</li>
    </ul>
    ${twin(data)}`;
});

const genreShares = byChart((chart, data) => {
  const sums = new Map<string, number>();
  for (const row of data.rows) sums.set(textOf(row, 'genre'), (sums.get(textOf(row, 'genre')) ?? 0) + numberOf(row, 'entries'));
  const ranked = [...sums].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1)).map(([genre]) => genre);
  const named = ranked.slice(0, GENRES);
  const shades = [5, 4, 3, 2, 1];
  const weeks = Map.groupBy(data.rows, (row) => textOf(row, 'week_start'));
  const columns = [...weeks].map(([start, rows]): ChartColumn => {
    const share = (genre: string): number =>
      rows.filter((row) => textOf(row, 'genre') === genre).reduce((sum, row) => sum + numberOf(row, 'share_percent'), 0);
    const rest = 100 - named.reduce((sum, genre) => sum + share(genre), 0);
    return {
      label: dayText(start).replace(/ \d{4}$/, ''),
      title: `week of ${dayText(start)}: ${named.map((genre) => `${genre} ${share(genre).toFixed(1)} %`).join(', ')}`,
      parts: [
        ...named.map((genre, at) => ({ value: share(genre), shade: shades[at] ?? 1 })),
        { value: ranked.length > GENRES ? Math.max(0, rest) : 0, shade: 0 },
      ],
    };
  });
  const finding = `Genre share of ${chart} by week; most: ${named.slice(0, 3).join(', ')}`;
  return html`${columnsChart(columns, { finding, full: 100, labels: 6 })}
    <ul class="legend">
      ${named.map((genre, at) => html`<li><i class="key k${shades[at] ?? 1}"></i>${genre}</li>`)}${ranked.length > GENRES ? html`<li><i class="key k0"></i>${counted(ranked.length - GENRES, 'other')}</li>` : undefined}
    </ul>
    ${twin(data)}`;
});

const recent: Panel = ({ section, rows }) => {
  if (rows.length === 0) return nothing();
  const severalListeners = new Set(rows.map((row) => textOf(row, 'listener'))).size > 1;
  const below = (row: Row): string =>
    [textOf(row, 'artist_name'), textOf(row, 'album_name'), ...(severalListeners ? [textOf(row, 'listener')] : [])]
      .filter((text) => text !== '')
      .join(' · ');
  return html`<table>
    <caption class="vh">
      ${section.title}
    </caption>
    <thead>
      <tr>
        <th scope="col">Played</th>
        <th scope="col">Track, artist and album</th>
      </tr>
    </thead>
    <tbody>
      ${rows.map(
        (row) =>
          html`<tr>
            <td class="tight faint">${textOf(row, 'played')}</td>
            <th scope="row">
              <bdi>${textOf(row, 'track_name') || 'nameless'}</bdi><small><bdi>${below(row)}</bdi></small>
            </th>
          </tr> `,
      )}
    </tbody>
  </table>`;
};

export const OTHER_PANELS: Readonly<Record<string, Panel>> = {
  listener,
  countries,
  playlists: list("No playlist is a listener's own: account exports and dbadmin spotify fetch playlists bring them."),
  'followed-artists': list('Nobody follows an artist: dbadmin spotify fetch artists brings them.'),
  'favourite-artists': favourites,
  'favourite-tracks': favourites,
  devices: list('No device is known: dbadmin spotify fetch devices brings them.'),
  'recent-plays': recent,
  'chart-movement': movement,
  'chart-entries': entries,
  'chart-tracks': list('No chart is loaded.'),
  'chart-genres': genreShares,
};
