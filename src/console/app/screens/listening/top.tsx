import { useState } from 'preact/hooks';
import { Bars, type Bar } from './bars.tsx';
import { Cover } from './cover.tsx';
import { DataTable } from './data-table.tsx';
import { dayName, monthName, nameOfBefore, periodBefore } from './filters.ts';
import { useListening } from './listening-context.ts';
import { Part, useBefore } from './part.tsx';
import { grouped, numberOf, shownValue, textOf, type ReportPart, type Row } from './report.ts';

export type Ranked = 'track' | 'album' | 'artist';

const TITLES: Readonly<Record<Ranked, string>> = { track: 'Top songs', album: 'Top albums', artist: 'Top artists' };
/** As far down the list of before somebody is looked for. */
const BEFORE_TOP = 100;
const LENGTHS = [10, 25, 50, 100];

export function TopTab() {
  const { filters } = useListening();
  const [top, setTop] = useState(10);
  return (
    <>
      <div class="bar">
        <label class="field row">
          How many
          <select value={top} onChange={({ currentTarget }) => setTop(Number(currentTarget.value))}>
            {LENGTHS.map((each) => (
              <option key={each} value={each}>
                {each}
              </option>
            ))}
          </select>
        </label>
      </div>
      <div class="cols fill">
        <Ranking kind="track" top={top} wide="c4" />
        <Ranking kind="artist" top={top} wide="c4" />
        <Ranking kind="album" top={top} wide="c4" />
      </div>
      <TrackDetail isChosen={filters.track !== undefined} />
      <div class="cols fill">
        <Choices name="track-choices" title="All songs with plays" />
        <Choices name="album-choices" title="All albums with plays" />
      </div>
    </>
  );
}

/** The most played by plays, with their rank in the period before. */
export function Ranking({ kind, top, wide }: { readonly kind: Ranked; readonly top: number; readonly wide: string }) {
  const { filters, change } = useListening();
  const name = `top-${kind}s`;
  const before = useBefore(name, BEFORE_TOP);
  const isCompared = periodBefore(filters) !== undefined;
  const bar = (row: Row): Bar => {
    const id = textOf(row, `${kind}_id`);
    return {
      key: id,
      name: textOf(row, 'name') || 'nameless',
      under: textOf(row, 'artist'),
      value: numberOf(row, 'plays'),
      text: grouped(numberOf(row, 'plays')),
      more: before === undefined ? undefined : rankBefore(before, `${kind}_id`, row),
      cover: textOf(row, 'cover_id'),
      onChoose: filters[kind] === undefined ? () => change({ [kind]: `id:${id}` }) : undefined,
    };
  };
  return (
    <Part
      name={name}
      title={TITLES[kind]}
      wide={wide}
      top={top}
      aside={() => (isCompared ? `plays, rank in ${nameOfBefore(filters)}` : 'plays')}
      empty={kind === 'album' ? 'Of no play the album is known: songs files and extended exports tell it.' : undefined}
    >
      {({ rows }) => <Bars bars={rows.map(bar)} />}
    </Part>
  );
}

function rankBefore({ rows }: ReportPart, key: string, row: Row): string {
  const was = rows.find((each) => each[key] === row[key]);
  if (was !== undefined) return `was ${textOf(was, 'rank')}`;
  return rows.length < BEFORE_TOP ? 'new' : `not in ${BEFORE_TOP}`;
}

function TrackDetail({ isChosen }: { readonly isChosen: boolean }) {
  return (
    <Part name="track-detail" title={isChosen ? 'The chosen song' : 'The most played song'}>
      {({ rows: [row] }) => (
        <div class="body detail">
          <Cover id={textOf(row, 'cover_id')} name={textOf(row, 'name')} isLarge />
          <dl class="facts">
            <dt>Name</dt>
            <dd>
              <bdi>{textOf(row, 'name') || 'nameless'}</bdi>
            </dd>
            <dt>Artist</dt>
            <dd>
              <bdi>{textOf(row, 'artist') || 'not known'}</bdi>
            </dd>
            <dt>Album</dt>
            <dd>
              <bdi>{textOf(row, 'album') || 'not known'}</bdi>
            </dd>
            <dt>Plays</dt>
            <dd>{shownValue('count', row?.['plays'] ?? 0)}</dd>
            <dt>Popularity</dt>
            <dd>{textOf(row, 'popularity') === '' ? 'Spotify does not tell' : `${textOf(row, 'popularity')} of 100`}</dd>
            <dt>Released</dt>
            <dd>{released(row)}</dd>
            <dt>Track</dt>
            <dd>{placeOf(row)}</dd>
          </dl>
        </div>
      )}
    </Part>
  );
}

function released(row: Row | undefined): string {
  const day = textOf(row, 'release_date');
  if (day === '') return 'not known';
  const known = textOf(row, 'release_date_precision');
  return known === 'year' ? day.slice(0, 4) : known === 'month' ? monthName(day) : dayName(day);
}

/** Long lists are asked for when somebody opens them. */
function Choices({ name, title }: { readonly name: string; readonly title: string }) {
  const [isOpen, setOpen] = useState(false);
  if (isOpen) {
    return (
      <Part name={name} title={title} wide="c6" isTable aside={({ rows }) => grouped(rows.length)}>
        {(part) => (
          <DataTable part={{ ...part, rows: [...part.rows].sort((a, b) => numberOf(b, 'plays') - numberOf(a, 'plays')) }} limit={100} />
        )}
      </Part>
    );
  }
  return (
    <section class="panel c6" aria-labelledby={name}>
      <header>
        <h2 id={name}>{title}</h2>
        <button type="button" class="btn" onClick={() => setOpen(true)}>
          List them<span class="vh">: {title}</span>
        </button>
      </header>
    </section>
  );
}

/** `3 of 12`, as far as a source tells. */
function placeOf(row: Row | undefined): string {
  const [place, all] = [textOf(row, 'track_number'), textOf(row, 'total_tracks')];
  if (place === '') return 'no source tells';
  return all === '' ? place : `${place} of ${all}`;
}
