import { equals, literal, playFilter } from './scope.ts';
import { column } from './sections-listening.ts';
import type { Section } from './section.ts';

const WHO = column('listener', 'Listener');
const RECENT_ROWS = 20;

const moment = (column: string): string => `to_char(${column} at time zone l.time_zone, 'YYYY-MM-DD HH24:MI')`;

/** Figures about a person. Only the listener narrows them, but for the plays. */
export const USER_SECTIONS: readonly Section[] = [
  {
    name: 'listener',
    group: 'user',
    title: 'Listener',
    about: 'Country and subscription are empty where Spotify does not tell.',
    relation: 'mart.user_details',
    takes: ['listener'],
    columns: [
      column('listener_id', 'Number', 'key'),
      column('user_name', 'User name'),
      column('account_type', 'Subscription'),
      column('country', 'Country'),
      column('time_zone', 'Time zone'),
    ],
    query: ({ listener, unreadable }) => {
      const column = (name: string): string => (unreadable.has(`mart.user_details.${name}`) ? `null::text as ${name}` : `d.${name}`);
      const columns = ['listener_id', 'user_name', 'account_type', 'country', 'time_zone'].map(column);
      return `select ${columns.join(', ')} from mart.user_details as d where ${equals('d.listener_id', listener?.id)} order by 2`;
    },
  },
  {
    name: 'countries',
    group: 'user',
    title: 'Listeners by country',
    about: 'All listeners; empty where Spotify does not tell the country.',
    relation: 'mart.listeners_by_country',
    takes: [],
    columns: [column('country', 'Country'), column('listeners', 'Listeners', 'count')],
    query: () => 'select c.* from mart.listeners_by_country as c order by c.listeners desc, c.country',
  },
  {
    name: 'playlists',
    group: 'user',
    title: 'Playlists',
    about: "The playlists that are a listener's own.",
    relation: 'mart.user_playlist',
    takes: ['listener'],
    columns: [WHO, column('playlist', 'Playlist'), column('description', 'Description'), column('tracks', 'Tracks', 'count')],
    query: ({ listener }) =>
      `select l.name as listener, p.* from mart.user_playlist as p join mart.dim_listener as l on l.listener_id = p.listener_id
       where ${equals('p.listener_id', listener?.id)} order by l.name, p.playlist, p.playlist_id`,
    isLong: true,
  },
  {
    name: 'saved-tracks',
    group: 'user',
    title: 'Saved tracks',
    about: "Tracks in a listener's library.",
    relation: 'mart.saved_tracks',
    takes: ['listener'],
    columns: [
      WHO,
      column('track_name', 'Track'),
      column('artist_name', 'Artist'),
      column('album_name', 'Album'),
      column('added', 'Saved', 'moment'),
    ],
    query: ({ listener }) =>
      `select l.name as listener, s.*, ${moment('s.added_at')} as added
       from mart.saved_tracks as s join mart.dim_listener as l on l.listener_id = s.listener_id
       where ${equals('s.listener_id', listener?.id)} order by l.name, s.added_at desc nulls last, s.track_name, s.track_id`,
    isLong: true,
  },
  {
    name: 'saved-albums',
    group: 'user',
    title: 'Saved albums',
    about: "Albums in a listener's library.",
    relation: 'mart.saved_albums',
    takes: ['listener'],
    columns: [
      WHO,
      column('album_name', 'Album'),
      column('artist_name', 'Artist'),
      column('added', 'Saved', 'moment'),
      column('cover_id', 'Picture', 'key'),
    ],
    query: ({ listener }) =>
      `select l.name as listener, s.*, ${moment('s.added_at')} as added
       from mart.saved_albums as s join mart.dim_listener as l on l.listener_id = s.listener_id
       where ${equals('s.listener_id', listener?.id)} order by l.name, s.added_at desc nulls last, s.album_name, s.album_id`,
    isLong: true,
  },
  {
    name: 'followed-artists',
    group: 'user',
    title: 'Followed artists',
    about: 'Followers and popularity are empty where Spotify does not tell.',
    relation: 'mart.followed_artists',
    takes: ['listener'],
    columns: [
      WHO,
      column('artist_name', 'Artist'),
      column('followers', 'Followers', 'count'),
      column('popularity', 'Popularity', 'count'),
      column('since', 'First seen', 'moment'),
    ],
    query: ({ listener }) =>
      `select l.name as listener, f.*, ${moment('f.first_seen_at')} as since
       from mart.followed_artists as f join mart.dim_listener as l on l.listener_id = f.listener_id
       where ${equals('f.listener_id', listener?.id)} order by l.name, f.artist_name`,
    isLong: true,
  },
  {
    name: 'favourite-artists',
    group: 'user',
    title: 'Top artists, as Spotify ranks them',
    about: 'The last list taken of each range: about 4 weeks, 6 months, a year.',
    relation: 'mart.user_top_artist',
    takes: ['listener'],
    columns: [
      WHO,
      column('time_range', 'Range'),
      column('taken', 'Taken', 'moment'),
      column('rank', 'Rank', 'key'),
      column('artist_name', 'Artist'),
      column('cover_id', 'Picture', 'key'),
    ],
    query: ({ listener, top }) =>
      `select l.name as listener, t.*, ${moment('t.taken_at')} as taken
       from mart.user_top_artist as t join mart.dim_listener as l on l.listener_id = t.listener_id
       where t.is_latest and t.rank <= ${top} and ${equals('t.listener_id', listener?.id)} order by l.name, t.time_range desc, t.rank`,
    isLong: true,
  },
  {
    name: 'favourite-tracks',
    group: 'user',
    title: 'Top tracks, as Spotify ranks them',
    about: 'The last list taken of each range: about 4 weeks, 6 months, a year. What was played most is another list: top-tracks.',
    relation: 'mart.user_top_tracks',
    takes: ['listener'],
    columns: [
      WHO,
      column('time_range', 'Range'),
      column('taken', 'Taken', 'moment'),
      column('rank', 'Rank', 'key'),
      column('track_name', 'Track'),
      column('album_name', 'Album'),
    ],
    query: ({ listener, top }) =>
      `select l.name as listener, t.*, ${moment('t.taken_at')} as taken
       from mart.user_top_tracks as t join mart.dim_listener as l on l.listener_id = t.listener_id
       where t.is_latest and t.rank <= ${top} and ${equals('t.listener_id', listener?.id)} order by l.name, t.time_range desc, t.rank`,
    isLong: true,
  },
  {
    name: 'devices',
    group: 'user',
    title: 'Devices',
    about: 'What a listener plays on.',
    relation: 'mart.devices',
    takes: ['listener'],
    columns: [WHO, column('device_name', 'Device'), column('device_type', 'Type'), column('seen', 'Last seen', 'moment')],
    query: ({ listener }) =>
      `select l.name as listener, d.*, ${moment('d.last_seen_at')} as seen
       from mart.devices as d join mart.dim_listener as l on l.listener_id = d.listener_id
       where ${equals('d.listener_id', listener?.id)} order by l.name, d.last_seen_at desc, d.device_id`,
    isLong: true,
  },
  {
    name: 'recent-plays',
    group: 'user',
    title: 'Recently played',
    about: `The last ${RECENT_ROWS} plays, short ones too; times in the listener's zone.`,
    relation: 'mart.recently_played',
    takes: ['listener', 'from', 'to', 'month', 'track', 'album', 'artist', 'zone'],
    columns: [
      column('played', 'Played', 'moment'),
      WHO,
      column('track_name', 'Track'),
      column('artist_name', 'Artist'),
      column('album_name', 'Album'),
    ],
    query: (scope) =>
      `select to_char(r.played_at at time zone coalesce(${literal(scope.zone, 'text') ?? 'null::text'}, l.time_zone), 'YYYY-MM-DD HH24:MI') as played,
         l.name as listener, r.track_name, r.artist_name, r.album_name
       from (select p.play_id from mart.plays(${playFilter(scope, { withSkips: true })}) as p order by p.played_at desc, p.play_id desc limit ${RECENT_ROWS}) as last
       join mart.recently_played as r on r.play_id = last.play_id
       join mart.dim_listener as l on l.listener_id = r.listener_id
       order by r.played_at desc, r.play_id desc`,
  },
];
