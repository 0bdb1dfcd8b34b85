import type { GeneratedSong } from './catalogue.ts';
import type { SeededRandom } from './random.ts';

const WEEK_MS = 604_800_000;
/** A Thursday: charts go from Thursday to Thursday. */
const FIRST_WEEK_MS = Date.UTC(2025, 0, 2);
const PLACES = 50;

/** One place of one week. */
interface Place {
  readonly song: GeneratedSong;
  readonly rank: number;
  readonly peak: number;
  /** 0 for a new entry. */
  readonly previous: number;
  readonly weeks: number;
  readonly streams: number;
}

/** A chart of one week, by its first day. */
export interface Week {
  readonly day: string;
  readonly places: readonly Place[];
}

/** Charts of `count` weeks in a row: songs come, climb, fall and go. */
export function makeWeeks(random: SeededRandom, songs: readonly GeneratedSong[], count: number): readonly Week[] {
  const heard = new Map<GeneratedSong, number>();
  const seen = new Map<GeneratedSong, { peak: number; weeks: number; rank: number; week: number }>();
  return Array.from({ length: count }, (_, week) => {
    for (let n = week === 0 ? 2 * PLACES : PLACES / 5; n > 0; n -= 1)
      heard.set(random.pick(songs), 1_000_000 + random.between(0, 9_000_000));
    for (const [song, streams] of heard) heard.set(song, Math.floor(streams * (0.75 + random.next() * 0.4)));
    const best = [...heard].sort(([one, ones], [other, others]) => others - ones || (one.id < other.id ? -1 : 1)).slice(0, PLACES);
    const places = best.map(([song, streams], at) => {
      const before = seen.get(song);
      const rank = at + 1;
      const now = { peak: Math.min(rank, before?.peak ?? rank), weeks: (before?.weeks ?? 0) + 1, rank, week };
      seen.set(song, now);
      return { song, rank, peak: now.peak, previous: before?.week === week - 1 ? before.rank : 0, weeks: now.weeks, streams };
    });
    return { day: dayOf(week), places };
  });
}

function dayOf(week: number): string {
  return new Date(FIRST_WEEK_MS + week * WEEK_MS).toISOString().slice(0, 10);
}

const text = (value: string): string => (/[",\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value);

/** The lines of a week as the chart's own download has them; -1 is the previous rank of a new entry. */
export function* rankingLines({ places }: Week): Generator<string> {
  yield 'rank,uri,artist_names,track_name,source,peak_rank,previous_rank,weeks_on_chart,streams\n';
  for (const { song, rank, peak, previous, weeks, streams } of places) {
    yield `${[rank, `spotify:track:${song.id}`, text(song.artist), text(song.name), 'A Label', peak, previous === 0 ? -1 : previous, weeks, streams].join(',')}\n`;
  }
}

/** The same of several weeks as one JSON array, with the day in each entry. */
export function rankingDocument(weeks: readonly Week[]): string {
  const entries = weeks.flatMap(({ day, places }) =>
    places.map(({ song, rank, streams }) => ({
      date: day,
      region: 'Vietnam',
      chart: 'top50',
      rank,
      title: song.name,
      artist: song.artist,
      url: `https://open.spotify.com/track/${song.id}`,
      streams,
    })),
  );
  return `[\n${entries.map((entry) => JSON.stringify(entry)).join(',\n')}\n]\n`;
}

/**
 * A row a track, with all of its weeks in one field on lines of their own, thousands separators, genres as a list of text,
 * and now and then a row of which nothing but the weeks is known.
 */
export function* summaryLines(random: SeededRandom, weeks: readonly Week[]): Generator<string> {
  yield 'Index,Highest Charting Position,Number of Times Charted,Week of Highest Charting,Song Name,Streams,Artist,Artist Followers,Song ID,Genre,Release Date,Weeks Charted,Popularity,Danceability,Energy,Loudness,Speechiness,Acousticness,Liveness,Tempo,Duration (ms),Valence,Chord\n';
  const bySong = Map.groupBy(
    weeks.flatMap((week, at) => week.places.map((place) => ({ ...place, at }))),
    ({ song }) => song,
  );
  let index = 0;
  for (const [song, places] of bySong) {
    index += 1;
    const range = (at: number): string => `${dayOf(at)}--${dayOf(at + 1)}`;
    const best = places.reduce((one, other) => (other.rank < one.rank ? other : one));
    const genres = random.oneIn(20) ? '[]' : `['indie rock', "children's music"]`;
    const known = [song.artist, '12345', song.id, genres, song.released];
    const features = [song.popularity, 0.5, 0.6, -5.5, 0.05, 0.1, 0.1, 120.5, song.durationMs, 0.5, 'C#/Db'].map(String);
    const isKnown = !random.oneIn(50);
    const blank = (values: readonly string[]): readonly string[] => (isKnown ? values : values.map(() => ' '));
    const row = [
      String(index),
      String(best.rank),
      String(places.length),
      range(best.at),
      song.name,
      best.streams.toLocaleString('en'),
      ...blank(known),
      places
        .map(({ at }) => range(at))
        .toReversed()
        .join('\n'),
      ...blank(features),
    ];
    yield `${row.map(text).join(',')}\n`;
  }
}
