import { html, type Embedded, type Markup } from '../../../base/html.ts';
import { formatSpan, shown } from '../measure.ts';
import { numberOf, textOf, type Row, type SectionRows } from '../section.ts';
import { bar, counted, dataTable, highest, nothing, shareBar, shareShade, tile, twin } from './parts.ts';
import { TIME_PANELS } from './panels-time.ts';
import { dayText, monthText } from './scale.ts';
import type { Panel } from './panel.ts';

const CHOICES = 12;

const card = (label: string, value: Embedded, more?: string): Markup =>
  html`<div>
    <dt>${label}</dt>
    <dd>${value}${more === undefined ? undefined : html`<small>${more}</small>`}</dd>
  </div>`;

const cards: Panel = ({ rows: [row = {}] }) => {
  const plays = numberOf(row, 'plays');
  const share = (part: number): string => (plays === 0 ? '' : `${((part / plays) * 100).toFixed(1)} %`);
  const heard = numberOf(row, 'listening_hours') * 3_600_000;
  return html`<dl class="cards">
    ${card('Plays', plays.toLocaleString('en'))}
    ${card('Songs', shown('count', row['songs'] ?? null), numberOf(row, 'songs') > 0 ? `${(plays / numberOf(row, 'songs')).toFixed(1)} plays a song` : undefined)}
    ${card('Listening time', formatSpan(heard), plays > 0 ? `${formatSpan(heard / plays)} a play` : undefined)}
    ${card('Listening hours', shown('decimal', row['listening_hours'] ?? null))}
    ${card('Weekday plays', shown('count', row['weekday_plays'] ?? null), share(numberOf(row, 'weekday_plays')))}
    ${card('Weekend plays', shown('count', row['weekend_plays'] ?? null), share(numberOf(row, 'weekend_plays')))}
    ${card('Explicit', row['explicit_percent'] === null ? 'not known' : shown('percent', row['explicit_percent'] ?? null))}
  </dl>`;
};

const sessions: Panel = ({ rows: [row = {}] }) =>
  html`<dl class="cards">
    ${card('Sessions', shown('count', row['sessions'] ?? null))}
    ${card('Plays a session', shown('decimal', row['plays_each'] ?? null) || '–')}
    ${card('Middle session', row['median_minutes'] === null ? '–' : formatSpan(numberOf(row, 'median_minutes') * 60_000))}
    ${card('Longest session', row['longest_minutes'] === null ? '–' : formatSpan(numberOf(row, 'longest_minutes') * 60_000))}
  </dl>`;

/** Shares of a whole, by length on one bar; the figures beside it say the same. */
const shares =
  (key: string): Panel =>
  ({ section, rows }) => {
    const sum = rows.reduce((total, row) => total + numberOf(row, 'plays'), 0);
    if (sum === 0) return nothing();
    const share = (row: Row): string => `${((numberOf(row, 'plays') / sum) * 100).toFixed(1)} %`;
    const finding = `${section.title}: ${rows.map((row) => `${textOf(row, key)} ${share(row)}`).join(', ')}`;
    const others = section.columns.filter((each) => each.key === 'songs');
    return html`${shareBar(
        rows.map((row) => numberOf(row, 'plays')),
        finding,
      )}
      <table>
        <caption class="vh">
          ${section.title}
        </caption>
        <thead>
          <tr>
            <th scope="col">${section.columns[0]?.head}</th>
            <th scope="col" class="num">Plays</th>
            ${others.map(({ head }) => html`<th scope="col" class="num">${head}</th>`)}
            <th scope="col" class="num">Share</th>
          </tr>
        </thead>
        <tbody>
          ${rows.map(
            (row, at) =>
              html`<tr>
                <th scope="row"><i class="key k${shareShade(at)}"></i>${textOf(row, key)}</th>
                <td class="num">${shown('count', row['plays'] ?? null)}</td>
                ${others.map((each) => html`<td class="num">${shown('count', row[each.key] ?? null)}</td>`)}
                <td class="num">${share(row)}</td>
              </tr>`,
          )}
        </tbody>
      </table>`;
  };

/** The most played, by length on one scale. */
const ranking =
  (withPicture: boolean): Panel =>
  ({ section, rows }, { covers }) => {
    if (rows.length === 0) return nothing();
    const top = highest(rows, 'plays');
    return html`<table class="ranking">
      <caption class="vh">
        ${section.title}
      </caption>
      <thead class="vh">
        <tr>
          <th scope="col">Rank</th>
          <th scope="col">Name</th>
          <th scope="col">Length</th>
          <th scope="col">Plays</th>
          <th scope="col">Heard</th>
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          (row) =>
            html`<tr>
              <td class="rank">${textOf(row, 'rank')}</td>
              <th scope="row">
                <span class="who"
                  >${withPicture ? tile(row, textOf(row, 'name'), covers) : undefined}<span
                    ><bdi>${textOf(row, 'name') || 'nameless'}</bdi
                    >${textOf(row, 'artist') === '' ? undefined : html`<small><bdi>${textOf(row, 'artist')}</bdi></small>`}</span
                  ></span
                >
              </th>
              <td class="barcell">${bar(numberOf(row, 'plays'), top)}</td>
              <td class="num">${shown('count', row['plays'] ?? null)}</td>
              <td class="num faint wide">${shown('span', row['ms_played'] ?? null)}</td>
            </tr>`,
        )}
      </tbody>
    </table>`;
  };

const topTracks: Panel = (data, view) => {
  const [first, ...others] = data.rows.slice(0, 5);
  if (first === undefined) return nothing();
  return html`<ol class="tiles">
      ${[first, ...others].map(
        (row, at) =>
          html`<li${at === 0 ? html` class="first"` : undefined}>${tile(row, textOf(row, 'name'), view.covers, 'large')}<p><span class="quiet">${at + 1}</span> <b><bdi>${textOf(row, 'name') || 'nameless'}</bdi></b><small><bdi>${textOf(row, 'artist')}</bdi> · ${counted(numberOf(row, 'plays'), 'play')}</small></p></li>`,
      )}
    </ol>
    ${ranking(false)(data, view)}`;
};

const trackDetail: Panel = ({ rows: [row] }, { covers }) => {
  if (row === undefined) return nothing();
  const released = textOf(row, 'release_date');
  const known = textOf(row, 'release_date_precision');
  return html`<div class="detail">
    ${tile(row, textOf(row, 'name'), covers, 'large')}
    <dl class="facts">
      <dt>Name</dt>
      <dd>
        <b><bdi>${textOf(row, 'name') || 'nameless'}</bdi></b>
      </dd>
      <dt>Artist</dt>
      <dd><bdi>${textOf(row, 'artist') || 'not known'}</bdi></dd>
      <dt>Album</dt>
      <dd><bdi>${textOf(row, 'album') || 'not known'}</bdi></dd>
      <dt>Popularity</dt>
      <dd>${row['popularity'] === null ? 'Spotify does not tell' : html`${textOf(row, 'popularity')} <small>of 100</small>`}</dd>
      <dt>Release date</dt>
      <dd>
        ${released === '' ? 'not known' : known === 'year' ? released.slice(0, 4) : known === 'month' ? monthText(released) : dayText(released)}
      </dd>
      <dt>Plays</dt>
      <dd>${shown('count', row['plays'] ?? null)}</dd>
      <dt>Track number</dt>
      <dd>${textOf(row, 'track_number') || 'not known'}</dd>
      <dt>Total tracks</dt>
      <dd>${textOf(row, 'total_tracks') || 'not known'}</dd>
    </dl>
  </div>`;
};

const dateRange: Panel = ({ rows: [row = {}] }) =>
  row['first_day'] === null || row['first_day'] === undefined
    ? nothing()
    : html`<p class="range">${dayText(textOf(row, 'first_day'))} <span class="quiet">to</span> ${dayText(textOf(row, 'last_day'))}</p>
        <p class="quiet">Narrow it with <code>--from</code>, <code>--to</code> or <code>--month</code>.</p>`;

/** What could be chosen: the most played first, as long lists help nobody here. */
const choices =
  (option: string): Panel =>
  (data) => {
    const rows = [...data.rows].sort((a, b) => numberOf(b, 'plays') - numberOf(a, 'plays'));
    const shownRows = { ...data, rows: rows.slice(0, CHOICES) };
    return html`<details class="twin">
        <summary>${counted(data.rows.length, 'choice')}</summary>
        ${dataTable(shownRows, { columns: data.section.columns })}
      </details>
      <p class="quiet">
        Narrow all figures with <code>${option} NAME</code> or its number.${rows.length > CHOICES ? ' The most played are shown.' : ''}
      </p>`;
  };

const genres: Panel = (data) => {
  const top = highest(data.rows, 'plays');
  if (top === 0) return nothing('No play has a genre: genres come with playlists of genres and with charts.');
  return html`<table class="ranking">
      <caption class="vh">
        Genres
      </caption>
      <thead class="vh">
        <tr>
          <th scope="col">Genre</th>
          <th scope="col">Length</th>
          <th scope="col">Plays</th>
          <th scope="col">Share</th>
        </tr>
      </thead>
      <tbody>
        ${data.rows.slice(0, 12).map(
          (row) =>
            html`<tr>
              <th scope="row">${textOf(row, 'genre')}</th>
              <td class="barcell">${bar(numberOf(row, 'plays'), top)}</td>
              <td class="num">${shown('count', row['plays'] ?? null)}</td>
              <td class="num faint">${shown('percent', row['share_percent'] ?? null)}</td>
            </tr>`,
        )}
      </tbody>
    </table>
    ${data.rows.length > 12 ? twin(data) : undefined}`;
};

export const LISTENING_PANELS: Readonly<Record<string, Panel>> = {
  ...TIME_PANELS,
  cards,
  sessions,
  sources: shares('source'),
  content: shares('content'),
  'top-tracks': topTracks,
  'top-albums': ranking(true),
  'top-artists': ranking(false),
  'track-detail': trackDetail,
  'date-range': dateRange,
  'track-choices': choices('--track'),
  'album-choices': choices('--album'),
  genres,
};

/** How many plays are shown in all, of cards where they are there. */
export function playsOf(sections: readonly SectionRows[]): Row | undefined {
  return sections.find(({ section }) => section.name === 'cards')?.rows[0];
}
