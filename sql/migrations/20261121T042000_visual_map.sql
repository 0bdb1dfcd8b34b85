-- The map of the visuals says where each is tested and where it is seen, too.
alter table mart.visual
  add column section text check (section ~ '^[a-z]+(-[a-z]+)*$'),
  add column test text check (test <> ''),
  add column screen text check (screen ~ '^[a-z]+#[a-z]+(-[a-z]+)*$');
comment on column mart.visual.section is 'What dbadmin spotify report calls it: the same name gives it as a table, as CSV and in the page.';
comment on column mart.visual.test is 'The test that holds its figures against core, or its words against mart.report_page.';
comment on column mart.visual.screen is 'Screen and panel that show it.';

update mart.visual as v
set section = m.section, relation = coalesce(m.relation, v.relation),
    test = case when m.section = 'pages' then 'test/live/spotify/report.test.ts' else 'test/live/spotify/figures.ts' end,
    screen = v.report || '#' || m.section
from (values
  ('user', 1, 1, 2, 'listener', null), ('user', 1, 3, 3, 'countries', null), ('user', 1, 4, 4, 'playlists', null),
  ('user', 1, 5, 5, 'followed-artists', null), ('user', 1, 6, 6, 'favourite-artists', null), ('user', 1, 7, 7, 'top-tracks', null),
  ('user', 1, 8, 8, 'devices', null), ('user', 1, 9, 9, 'recent-plays', null), ('user', 1, 10, 10, 'pages', null),
  ('listening', 1, 1, 7, 'cards', null), ('listening', 1, 8, 8, 'sources', 'mart.plays_by_source'),
  ('listening', 1, 9, 9, 'months', null), ('listening', 1, 10, 10, 'date-range', null),
  ('listening', 1, 11, 11, 'track-choices', null), ('listening', 1, 12, 12, 'album-choices', null),
  ('listening', 1, 13, 18, 'top-tracks', null), ('listening', 1, 19, 24, 'track-detail', null),
  ('listening', 1, 25, 25, 'hours', null), ('listening', 1, 26, 26, 'weekdays', null), ('listening', 1, 27, 30, 'pages', null),
  ('listening', 2, 1, 1, 'sources', null), ('listening', 2, 2, 2, 'top-albums', null), ('listening', 2, 3, 3, 'content', null),
  ('listening', 2, 4, 4, 'top-artists', null), ('listening', 2, 5, 5, 'days', null), ('listening', 2, 6, 6, 'months', null),
  ('listening', 2, 7, 7, 'date-range', null), ('listening', 2, 8, 8, 'album-choices', null), ('listening', 2, 9, 11, 'pages', null)
) as m (report, page, first_number, last_number, section, relation)
where v.report = m.report and v.page = m.page and v.number between m.first_number and m.last_number;

alter table mart.visual alter column section set not null, alter column test set not null, alter column screen set not null;
