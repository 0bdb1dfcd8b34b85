import { playFilter } from './scope.ts';
import type { Column, FilterName, Measure, Section } from './section.ts';

export const PLAY_FILTERS: readonly FilterName[] = ['listener', 'from', 'to', 'month', 'track', 'album', 'artist', 'zone'];

export const column = (key: string, head: string, measure: Measure = 'text'): Column => ({ key, head, measure });

const PLAYS = column('plays', 'Plays', 'count');
const SONG = [column('name', 'Song'), column('artist', 'Artist')];
const PLAYED_LIST = [column('plays', 'Plays', 'count'), column('ms_played', 'Heard', 'span'), column('cover_id', 'Picture', 'key')];

type Listening = Omit<Section, 'group' | 'takes' | 'relation' | 'query'> & { readonly routine: string };

/** Figures that one function of the marts gives for a filter. */
const ONE_CALL: readonly Listening[] = [
  {
    name: 'cards',
    title: 'Key figures',
    about: 'Plays of 30 s to 60 min. The explicit share is of the plays where it is known.',
    routine: 'cards',
    columns: [
      column('songs', 'Songs', 'count'),
      PLAYS,
      column('explicit_percent', 'Explicit', 'percent'),
      column('weekend_plays', 'Weekend plays', 'count'),
      column('weekday_plays', 'Weekday plays', 'count'),
      column('listening_time', 'Listening time'),
      column('listening_hours', 'Listening hours', 'decimal'),
    ],
  },
  {
    name: 'sources',
    title: 'Plays by source',
    about: 'From where songs were played. Outside Playlist: from none, or the history does not say.',
    routine: 'plays_by_source',
    columns: [column('source', 'Source'), PLAYS, column('songs', 'Songs', 'count')],
  },
  {
    name: 'months',
    title: 'Months',
    about: 'The months that have plays.',
    routine: 'months',
    columns: [column('month', 'Month', 'day'), PLAYS],
  },
  {
    name: 'date-range',
    title: 'Days',
    about: 'The first and the last day that have plays, and how many.',
    routine: 'date_range',
    columns: [column('first_day', 'First day', 'day'), column('last_day', 'Last day', 'day'), PLAYS],
  },
  {
    name: 'track-choices',
    title: 'Tracks',
    about: 'The tracks that have plays: what --track can be.',
    routine: 'track_choices',
    columns: [column('track_id', 'Number', 'key'), ...SONG, PLAYS],
    isLong: true,
  },
  {
    name: 'album-choices',
    title: 'Albums',
    about: 'The albums that have plays: what --album can be.',
    routine: 'album_choices',
    columns: [column('album_id', 'Number', 'key'), column('name', 'Album'), column('artist', 'Artist'), PLAYS],
    isLong: true,
  },
  {
    name: 'hours',
    title: 'Plays by hour',
    about: 'By the hour in which a play ended, and the part of the day.',
    routine: 'plays_by_hour',
    columns: [column('hour', 'Hour', 'key'), column('part_of_day', 'Part of day'), PLAYS],
  },
  {
    name: 'weekdays',
    title: 'Plays by day of the week',
    about: 'Monday first.',
    routine: 'plays_by_weekday',
    columns: [column('day_of_week', 'Number', 'key'), column('day_name', 'Day'), PLAYS],
  },
  {
    name: 'week-hours',
    title: 'Plays by weekday and hour',
    about: 'By day of the week and the hour in which a play ended.',
    routine: 'plays_by_weekday_and_hour',
    columns: [column('day_of_week', 'Number', 'key'), column('day_name', 'Day'), column('hour', 'Hour', 'key'), PLAYS],
    isLong: true,
  },
  {
    name: 'days',
    title: 'Plays by day',
    about: 'By the day on which a play ended.',
    routine: 'plays_by_day',
    columns: [
      column('day', 'Day', 'day'),
      column('month', 'Month', 'day'),
      column('day_of_month', 'Day of month', 'key'),
      PLAYS,
      column('ms_played', 'Heard', 'span'),
    ],
    isLong: true,
  },
  {
    name: 'weeks',
    title: 'Plays by week',
    about: 'ISO weeks, with the year that each belongs to.',
    routine: 'plays_by_week',
    columns: [
      column('iso_year', 'Year', 'key'),
      column('iso_week', 'Week', 'key'),
      column('week_start', 'From', 'day'),
      PLAYS,
      column('ms_played', 'Heard', 'span'),
    ],
    isLong: true,
  },
  {
    name: 'content',
    title: 'Explicit content',
    about: 'Plays of tracks that are marked as explicit, that are not, and of which no source says.',
    routine: 'plays_by_content',
    columns: [column('content', 'Content'), PLAYS],
  },
  {
    name: 'genres',
    title: 'Genres',
    about: 'Plays by genre of the playlists that list a track and of its artists; one of several genres counts for each.',
    routine: 'genre_mix',
    columns: [column('genre', 'Genre'), PLAYS, column('share_percent', 'Share', 'percent')],
  },
  {
    name: 'sessions',
    title: 'Sessions',
    about:
      'A session ends with a pause of more than 30 minutes. It is of the day it began; tracks, albums and artists cut nothing out of it.',
    routine: 'session_cards',
    columns: [
      column('sessions', 'Sessions', 'count'),
      PLAYS,
      column('plays_each', 'Plays a session', 'decimal'),
      column('median_minutes', 'Minutes, middle one', 'decimal'),
      column('longest_minutes', 'Minutes, longest', 'decimal'),
    ],
  },
];

/** Lists of the most played: their length is asked for. */
const TOP: readonly Listening[] = [
  {
    name: 'top-tracks',
    title: 'Most played songs',
    about: 'By plays, not by popularity. Tracks of the same name and artist are one song.',
    routine: 'top_tracks',
    columns: [column('rank', 'Rank', 'key'), column('track_id', 'Number', 'key'), ...SONG, ...PLAYED_LIST],
  },
  {
    name: 'top-albums',
    title: 'Most played albums',
    about: 'By plays, where the album is known.',
    routine: 'top_albums',
    columns: [
      column('rank', 'Rank', 'key'),
      column('album_id', 'Number', 'key'),
      column('name', 'Album'),
      column('artist', 'Artist'),
      ...PLAYED_LIST,
    ],
  },
  {
    name: 'top-artists',
    title: 'Most played artists',
    about: 'A play of several artists counts for each.',
    routine: 'top_artists',
    columns: [column('rank', 'Rank', 'key'), column('artist_id', 'Number', 'key'), column('name', 'Artist'), ...PLAYED_LIST],
  },
];

const TRACK_DETAIL: Section = {
  name: 'track-detail',
  group: 'listening',
  title: 'Selected track',
  about: 'The track asked for, or else the most played.',
  relation: 'mart.track_detail',
  takes: PLAY_FILTERS,
  columns: [
    column('track_id', 'Number', 'key'),
    column('name', 'Track'),
    column('artist', 'Artist'),
    column('album', 'Album'),
    column('popularity', 'Popularity', 'count'),
    column('release_date', 'Released', 'day'),
    column('release_date_precision', 'Known to the'),
    PLAYS,
    column('track_number', 'Track number', 'key'),
    column('total_tracks', 'Tracks of the album', 'count'),
    column('cover_id', 'Picture', 'key'),
  ],
  query: (scope) => {
    const chosen = scope.track?.id ?? `(select t.track_id from mart.top_tracks(${playFilter(scope)}, 1) as t)`;
    return `select * from mart.track_detail(${chosen}, ${playFilter(scope)})`;
  },
};

function listening({ routine, ...section }: Listening, more: (top: number) => string): Section {
  return {
    ...section,
    group: 'listening',
    relation: `mart.${routine}`,
    takes: PLAY_FILTERS,
    query: (scope) => `select * from mart.${routine}(${playFilter(scope)}${more(scope.top)})`,
  };
}

/** In the order of the page. */
export const LISTENING_SECTIONS: readonly Section[] = [
  ...ONE_CALL.map((each) => listening(each, () => '')),
  ...TOP.map((each) => listening(each, (top) => `, ${top}`)),
  TRACK_DETAIL,
];
