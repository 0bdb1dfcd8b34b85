import { quoteLiteral } from '../../postgres/quote.ts';
import { dayCondition, type Scope } from './scope.ts';
import { column } from './sections-listening.ts';
import type { FilterName, Section } from './section.ts';

const CHART_FILTERS: readonly FilterName[] = ['chart', 'from', 'to', 'month'];
const TRACK_FILTERS: readonly FilterName[] = [...CHART_FILTERS, 'track', 'artist'];
const HISTORY_ISSUES = 12;
const CHART = column('chart', 'Chart');
const TRACK = [column('track', 'Track'), column('artist', 'Artist')];

/** Trends of charts. A track stands for all of the same meaning, as in the figures of plays. */
export const CHART_SECTIONS: readonly Section[] = [
  {
    name: 'chart-movement',
    group: 'charts',
    title: 'Movement',
    about: `The last issue: places gained since the issue before, best rank and weeks so far, and the ranks of the last ${HISTORY_ISSUES} issues. Of one track, all of its issues.`,
    relation: 'mart.chart_trend',
    takes: TRACK_FILTERS,
    columns: [
      CHART,
      column('starts_on', 'Issue', 'day'),
      column('rank', 'Rank', 'key'),
      ...TRACK,
      column('previous_rank', 'Before', 'key'),
      column('movement', 'Movement', 'change'),
      column('is_new', 'New', 'flag'),
      column('is_back', 'Back', 'flag'),
      column('peak_rank', 'Peak', 'key'),
      column('weeks_on_chart', 'Weeks', 'count'),
      column('streams', 'Streams', 'count'),
      column('ranks', 'Ranks'),
    ],
    query: (scope) =>
      `with trend as materialized (select t.* from mart.chart_trend as t where ${ofChart(scope, 't.chart')}),
       wanted as (select t.* from trend as t where ${dayCondition(scope, 't.starts_on')}),
       issues as (
         select d.chart, d.starts_on, row_number() over (partition by d.chart order by d.starts_on desc) as back
         from (select distinct w.chart, w.starts_on from wanted as w) as d
       )
       select w.chart, w.starts_on, w.rank, w.track, w.artist, w.previous_rank, w.movement, w.is_new and not w.is_first_issue as is_new,
         w.is_back_or_new and not w.is_new as is_back, w.peak_rank, w.weeks_on_chart, w.streams, (
         select string_agg(coalesce(h.rank::text, '-'), ' ' order by i.starts_on)
         from issues as i left join trend as h on h.chart = i.chart and h.starts_on = i.starts_on and h.track_id = w.track_id
         where i.chart = w.chart and i.back < last.back + ${HISTORY_ISSUES} and i.back >= last.back) as ranks
       from wanted as w join issues as last on last.chart = w.chart and last.starts_on = w.starts_on
       where ${scope.track === undefined ? 'last.back = 1' : 'true'} and ${ofTrack(scope, 'w.track_id')}
       order by w.chart, w.starts_on desc, w.rank nulls last, w.track, w.track_id`,
    isLong: true,
  },
  {
    name: 'chart-entries',
    group: 'charts',
    title: 'New entries by issue',
    about: 'New: in no earlier issue. Back: in an earlier one, but not in the one before. Unknown for the first issue there is.',
    relation: 'mart.chart_issue',
    takes: CHART_FILTERS,
    columns: [
      CHART,
      column('starts_on', 'Issue', 'day'),
      column('iso_year', 'Year', 'key'),
      column('iso_week', 'Week', 'key'),
      column('entries', 'Entries', 'count'),
      column('new_entries', 'New', 'count'),
      column('returned', 'Back', 'count'),
      column('gone', 'Gone', 'count'),
    ],
    query: (scope) =>
      `select i.* from mart.chart_issue as i where ${ofChart(scope, 'i.chart')} and ${dayCondition(scope, 'i.starts_on')} order by i.chart, i.starts_on`,
    isLong: true,
  },
  {
    name: 'chart-tracks',
    group: 'charts',
    title: 'Peak and weeks on the chart',
    about: 'The tracks with most weeks on a chart, over all issues there are. Stated: what a file said of the track as a whole.',
    relation: 'mart.chart_track',
    takes: ['chart', 'track', 'artist'],
    columns: [
      CHART,
      ...TRACK,
      column('weeks_on_chart', 'Weeks', 'count'),
      column('issues', 'Issues', 'count'),
      column('peak_rank', 'Peak', 'key'),
      column('issues_at_peak', 'Issues at peak', 'count'),
      column('first_issue', 'First', 'day'),
      column('last_issue', 'Last', 'day'),
      column('streams', 'Streams', 'count'),
      column('stated_peak_rank', 'Stated peak', 'key'),
      column('stated_issues', 'Stated issues', 'count'),
    ],
    query: (scope) =>
      `select r.* from (
         select t.*, row_number() over (partition by t.chart order by t.weeks_on_chart desc, t.issues desc, t.peak_rank, t.track_id) as nth
         from mart.chart_track as t where ${ofChart(scope, 't.chart')} and ${ofTrack(scope, 't.track_id')}) as r
       where r.nth <= ${scope.top} order by r.chart, r.nth`,
  },
  {
    name: 'chart-genres',
    group: 'charts',
    title: 'Genre share by week',
    about: 'Entries by genre of their artists; one of several genres counts for each, one without none. Shares are of what has a genre.',
    relation: 'mart.chart_genre_week',
    takes: CHART_FILTERS,
    columns: [
      CHART,
      column('iso_year', 'Year', 'key'),
      column('iso_week', 'Week', 'key'),
      column('week_start', 'From', 'day'),
      column('genre', 'Genre'),
      column('entries', 'Entries', 'count'),
      column('share_percent', 'Share', 'percent'),
    ],
    query: (scope) =>
      `select g.* from mart.chart_genre_week as g where ${ofChart(scope, 'g.chart')} and ${dayCondition(scope, 'g.week_start')}
       order by g.chart, g.week_start, g.entries desc, g.genre`,
    isLong: true,
  },
];

function ofChart({ chart }: Scope, column: string): string {
  return chart === undefined ? 'true' : `${column} = ${quoteLiteral(chart)}`;
}

function ofTrack({ track, artist }: Scope, column: string): string {
  const conditions = [
    ...(track === undefined
      ? []
      : [
          `${column} in (select d.track_id from mart.dim_track as d
             where d.song_id = (select s.song_id from mart.dim_track as s where s.track_id = ${track.id}))`,
        ]),
    ...(artist === undefined
      ? []
      : [`exists (select from mart.bridge_track_artist as b where b.track_id = ${column} and b.artist_id = ${artist.id})`]),
  ];
  return conditions.length === 0 ? 'true' : conditions.join(' and ');
}
