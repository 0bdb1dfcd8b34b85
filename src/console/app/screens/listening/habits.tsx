import { reasonWords } from './reason-words.ts';
import { Bars, Figure, Length } from './bars.tsx';
import { DataTable } from './data-table.tsx';
import { useListening } from './listening-context.ts';
import { Part } from './part.tsx';
import { grouped, numberOf, shownValue, spanText, sumOf, textOf, type ReportPart, type Row } from './report.ts';

export function HabitsTab() {
  return (
    <>
      <Sessions />
      <div class="cols top">
        <Part name="lengths" title="Skipped or heard" wide="c5" isEmpty={({ rows }) => sumOf(rows, 'plays') === 0}>
          {({ rows }) => (
            <Bars
              isPlain
              bars={rows.map((row) => ({
                key: textOf(row, 'length'),
                name: textOf(row, 'length'),
                value: numberOf(row, 'plays'),
                text: grouped(numberOf(row, 'plays')),
                more: shownValue('percent', row['share_percent'] ?? null),
              }))}
            />
          )}
        </Part>
        <Skipped />
      </div>
      <Circumstances />
      <div class="cols top">
        <Part
          name="devices"
          title="Devices"
          wide="c6"
          isTable
          empty={
            <>
              No device is known: <code>dbadmin spotify fetch devices</code> asks Spotify which there are.
            </>
          }
        >
          {(part) => <DataTable part={part} />}
        </Part>
        <Part name="countries" title="Listeners by country" wide="c6">
          {({ rows }) => (
            <Bars
              isPlain
              bars={rows.map((row) => ({
                key: textOf(row, 'country'),
                name: countryName(textOf(row, 'country')),
                value: numberOf(row, 'listeners'),
                text: grouped(numberOf(row, 'listeners')),
              }))}
            />
          )}
        </Part>
      </div>
    </>
  );
}

function Sessions() {
  return (
    <Part name="sessions" title="Sessions" isEmpty={({ rows: [row] }) => numberOf(row, 'sessions') === 0}>
      {({ rows: [row] }) => (
        <dl class="figs">
          <Figure name="Sessions">{grouped(numberOf(row, 'sessions'))}</Figure>
          <Figure name="Plays">{grouped(numberOf(row, 'plays'))}</Figure>
          <Figure name="Plays a session">{shownValue('decimal', row?.['plays_each'] ?? null)}</Figure>
          <Figure name="Median length">{spanText(numberOf(row, 'median_minutes') * 60_000)}</Figure>
          <Figure name="Longest">{spanText(numberOf(row, 'longest_minutes') * 60_000)}</Figure>
        </dl>
      )}
    </Part>
  );
}

function Skipped() {
  const { filters, change } = useListening();
  return (
    <Part
      name="skipped-tracks"
      title="Most skipped songs"
      wide="c7"
      top={8}
      aside={() => 'left within 30 s, of all plays'}
      empty="Nothing was skipped."
    >
      {({ rows }) => (
        <Bars
          bars={rows.map((row) => ({
            key: textOf(row, 'track_id'),
            name: textOf(row, 'name') || 'nameless',
            under: textOf(row, 'artist'),
            value: numberOf(row, 'skips'),
            text: `${grouped(numberOf(row, 'skips'))} of ${grouped(numberOf(row, 'plays'))}`,
            onChoose: filters.track === undefined ? () => change({ track: `id:${textOf(row, 'track_id')}` }) : undefined,
          }))}
        />
      )}
    </Part>
  );
}

const WORDS: Readonly<Record<string, string>> = {
  platform: 'On what',
  shuffle: 'Shuffle',
  offline: 'Connection',
  'began by': 'Began by',
  'ended by': 'Ended by',
};
const SHOWN_VALUES = 8;

function Circumstances() {
  return (
    <Part
      name="circumstances"
      title="On what, shuffled, why it began and ended"
      aside={() => 'from extended exports'}
      empty={
        <>
          No extended export tells of these plays. Spotify sends it on request (extended streaming history):{' '}
          <code>dbadmin spotify load my_spotify_data.zip</code>
        </>
      }
    >
      {(part) => (
        <div class="body groups">
          {groupsOf(part).map(([name, rows]) => (
            <div key={name}>
              <h3>{WORDS[name] ?? name}</h3>
              <Bars
                isPlain
                bars={rows.slice(0, SHOWN_VALUES).map((row) => ({
                  key: textOf(row, 'value'),
                  name: reasonWords(name, textOf(row, 'value')),
                  value: numberOf(row, 'plays'),
                  text: grouped(numberOf(row, 'plays')),
                  more: shownValue('percent', row['share_percent'] ?? null),
                }))}
              />
            </div>
          ))}
        </div>
      )}
    </Part>
  );
}

function groupsOf({ rows }: ReportPart): readonly (readonly [string, readonly Row[]])[] {
  const names = [...new Set(rows.map((row) => textOf(row, 'circumstance')))];
  return names.map((name) => [name, rows.filter((row) => row['circumstance'] === name)] as const);
}

function countryName(code: string): string {
  if (code === '') return 'not known';
  try {
    return `${new Intl.DisplayNames('en', { type: 'region' }).of(code) ?? code} (${code})`;
  } catch {
    return code;
  }
}

/** Genres, and what the songs sound like. */
export function SoundTab() {
  return (
    <div class="cols top">
      <Part
        name="genres"
        title="Genres"
        wide="c6"
        empty="No play has a genre: genres come with playlists of songs files, with artists that Spotify tells of, and with charts."
      >
        {({ rows }) => (
          <Bars
            isPlain
            bars={rows.slice(0, 20).map((row) => ({
              key: textOf(row, 'genre'),
              name: textOf(row, 'genre'),
              value: numberOf(row, 'plays'),
              text: grouped(numberOf(row, 'plays')),
              more: shownValue('percent', row['share_percent'] ?? null),
            }))}
          />
        )}
      </Part>
      <Part
        name="sound"
        title="How it sounds"
        wide="c6"
        aside={() => 'bar: heard · line: all tracks'}
        empty="No track has audio features: songs files bring them, Spotify tells them no more."
      >
        {({ rows }) => <Sound rows={rows} />}
      </Part>
    </div>
  );
}

function Sound({ rows }: { readonly rows: readonly Row[] }) {
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">Feature</th>
          <td class="third" />
          <th scope="col" class="num">
            Heard
          </th>
          <th scope="col" class="num">
            All tracks
          </th>
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => {
          const least = numberOf(row, 'lowest');
          const isKnown = row['mean'] !== null;
          return (
            <tr key={textOf(row, 'feature')}>
              <th scope="row">{featureName(textOf(row, 'feature'))}</th>
              <td>
                <Length
                  value={isKnown ? numberOf(row, 'mean') - least : 0}
                  of={numberOf(row, 'highest') - least}
                  mark={numberOf(row, 'catalogue_mean') - least}
                />
              </td>
              <td class="num">{isKnown ? exact(numberOf(row, 'mean')) : '–'}</td>
              <td class="num">{exact(numberOf(row, 'catalogue_mean'))}</td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

/** Two digits in each row, so that they stand below one another. */
function exact(value: number): string {
  return `${value < 0 ? '−' : ''}${Math.abs(value).toFixed(2)}`;
}

/** `Tempo, BPM` */
export function featureName(feature: string): string {
  if (feature === 'tempo_bpm') return 'Tempo, BPM';
  if (feature === 'loudness_db') return 'Loudness, dB';
  return feature.charAt(0).toUpperCase() + feature.slice(1);
}
