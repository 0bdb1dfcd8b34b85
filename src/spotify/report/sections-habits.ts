import { playFilter, type Scope } from './scope.ts';
import { column, PLAY_FILTERS } from './sections-listening.ts';
import type { Section } from './section.ts';

const PLAYS = column('plays', 'Plays', 'count');
const HEARD = column('ms_played', 'Heard', 'span');
const SHARE = column('share_percent', 'Share', 'percent');

const withSkips = (scope: Scope): string => playFilter(scope, { withSkips: true });

/** How things were heard, and what they sound like. */
export const HABIT_SECTIONS: readonly Section[] = [
  {
    name: 'lengths',
    group: 'habits',
    title: 'Skipped or heard',
    about: 'All plays by how long they were heard. Under 30 s they were skipped; only those of 30 s to 60 min count elsewhere.',
    relation: 'mart.plays_by_length',
    takes: PLAY_FILTERS,
    columns: [column('length', 'Heard for'), PLAYS, HEARD, SHARE],
    query: (scope) => `select * from mart.plays_by_length(${withSkips(scope)})`,
  },
  {
    name: 'skipped-tracks',
    group: 'habits',
    title: 'Most skipped songs',
    about: 'Left within 30 s; the share is of all plays of the song.',
    relation: 'mart.skipped_tracks',
    takes: PLAY_FILTERS,
    columns: [
      column('rank', 'Rank', 'key'),
      column('track_id', 'Number', 'key'),
      column('name', 'Song'),
      column('artist', 'Artist'),
      column('skips', 'Skips', 'count'),
      PLAYS,
      column('skip_percent', 'Skipped', 'percent'),
    ],
    query: (scope) => `select * from mart.skipped_tracks(${withSkips(scope)}, ${scope.top})`,
  },
  {
    name: 'circumstances',
    group: 'habits',
    title: 'On what, shuffled, why it began and ended',
    about:
      'Of plays that an extended export tells of; the basic export and the Web API say nothing about it. Takes seconds for a million plays.',
    relation: 'mart.plays_by_circumstance',
    takes: PLAY_FILTERS,
    columns: [column('circumstance', 'What'), column('value', 'How'), PLAYS, HEARD, SHARE],
    query: (scope) => `select * from mart.plays_by_circumstance(${playFilter(scope)})`,
  },
  {
    name: 'sound',
    group: 'habits',
    title: 'How it sounds',
    about: 'Mean audio features of the plays whose track has them, beside the mean of all tracks. Songs files bring them.',
    relation: 'mart.sound_profile',
    takes: PLAY_FILTERS,
    columns: [
      column('feature', 'Feature'),
      PLAYS,
      column('mean', 'Heard', 'decimal'),
      column('catalogue_mean', 'All tracks', 'decimal'),
      column('lowest', 'Lowest', 'decimal'),
      column('highest', 'Highest', 'decimal'),
    ],
    query: (scope) => `select * from mart.sound_profile(${playFilter(scope)})`,
  },
];
