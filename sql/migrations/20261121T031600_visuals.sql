-- Which view or function gives each visual of the two reports.
create table mart.report_page (
  report text not null check (report in ('user', 'listening')),
  page   smallint not null check (page >= 1),
  title  text not null,
  primary key (report, page)
);
comment on table mart.report_page is 'Pages of the reports: titles, and where a page button leads.';
comment on column mart.report_page.report is 'user: about a person; listening: about plays.';
comment on column mart.report_page.page is 'From 1.';
comment on column mart.report_page.title is 'What stands on top.';
insert into mart.report_page (report, page, title)
values ('user', 1, 'User details'), ('listening', 1, 'Listening'), ('listening', 2, 'Sources, albums and artists');

create table mart.visual (
  report   text not null,
  page     smallint not null,
  number   smallint not null check (number >= 1),
  kind     text not null,
  title    text not null,
  relation text not null,
  primary key (report, page, number),
  foreign key (report, page) references mart.report_page
);
comment on table mart.visual is 'Every visual of the reports, and what gives its figures. A test fails where that is missing.';
comment on column mart.visual.report is 'The report.';
comment on column mart.visual.page is 'Its page.';
comment on column mart.visual.number is 'From 1 on each page.';
comment on column mart.visual.kind is 'card, slicer, tile and so on.';
comment on column mart.visual.title is 'What it shows.';
comment on column mart.visual.relation is 'The view, table or function, with its schema.';
insert into mart.visual (report, page, number, kind, title, relation) values
  ('user', 1, 1, 'card', 'Subscription', 'mart.user_details'),
  ('user', 1, 2, 'card', 'User name', 'mart.user_details'),
  ('user', 1, 3, 'map', 'Listeners by country', 'mart.listeners_by_country'),
  ('user', 1, 4, 'table', 'Playlists', 'mart.user_playlist'),
  ('user', 1, 5, 'cards', 'Followed artists', 'mart.followed_artists'),
  ('user', 1, 6, 'table', 'Top artists with picture', 'mart.user_top_artist'),
  ('user', 1, 7, 'columns', 'Most listened tracks', 'mart.top_tracks'),
  ('user', 1, 8, 'cards', 'Devices', 'mart.devices'),
  ('user', 1, 9, 'table', 'Recently played', 'mart.recently_played'),
  ('user', 1, 10, 'image', 'Logo', 'mart.report_page'),
  ('listening', 1, 1, 'card', 'Total songs', 'mart.cards'),
  ('listening', 1, 2, 'card', 'Total plays', 'mart.cards'),
  ('listening', 1, 3, 'card', 'Explicit share', 'mart.cards'),
  ('listening', 1, 4, 'card', 'Weekend plays', 'mart.cards'),
  ('listening', 1, 5, 'card', 'Weekday plays', 'mart.cards'),
  ('listening', 1, 6, 'card', 'Total listening time', 'mart.cards'),
  ('listening', 1, 7, 'card', 'Total listening hours', 'mart.cards'),
  ('listening', 1, 8, 'card', 'Songs by source', 'mart.cards'),
  ('listening', 1, 9, 'slicer', 'Month', 'mart.months'),
  ('listening', 1, 10, 'slicer', 'Days', 'mart.date_range'),
  ('listening', 1, 11, 'slicer', 'Track', 'mart.track_choices'),
  ('listening', 1, 12, 'slicer', 'Album', 'mart.album_choices'),
  ('listening', 1, 13, 'tile', 'Most played song', 'mart.top_tracks'),
  ('listening', 1, 14, 'tile', 'Most played song, number 1', 'mart.top_tracks'),
  ('listening', 1, 15, 'tile', 'Most played song, number 2', 'mart.top_tracks'),
  ('listening', 1, 16, 'tile', 'Most played song, number 3', 'mart.top_tracks'),
  ('listening', 1, 17, 'tile', 'Most played song, number 4', 'mart.top_tracks'),
  ('listening', 1, 18, 'tile', 'Most played song, number 5', 'mart.top_tracks'),
  ('listening', 1, 19, 'card', 'Selected track: name', 'mart.track_detail'),
  ('listening', 1, 20, 'card', 'Selected track: popularity', 'mart.track_detail'),
  ('listening', 1, 21, 'card', 'Selected track: release date', 'mart.track_detail'),
  ('listening', 1, 22, 'card', 'Selected track: plays', 'mart.track_detail'),
  ('listening', 1, 23, 'card', 'Selected track: track number', 'mart.track_detail'),
  ('listening', 1, 24, 'card', 'Selected track: total tracks', 'mart.track_detail'),
  ('listening', 1, 25, 'ribbon', 'Listening trends by hour', 'mart.plays_by_hour'),
  ('listening', 1, 26, 'bars', 'Plays by day of the week', 'mart.plays_by_weekday'),
  ('listening', 1, 27, 'button', 'Other page', 'mart.report_page'),
  ('listening', 1, 28, 'text', 'Title', 'mart.report_page'),
  ('listening', 1, 29, 'image', 'Logo', 'mart.report_page'),
  ('listening', 1, 30, 'text', 'Heading of the most played', 'mart.report_page'),
  ('listening', 2, 1, 'donut', 'Plays by song source', 'mart.plays_by_source'),
  ('listening', 2, 2, 'treemap', 'Top albums', 'mart.top_albums'),
  ('listening', 2, 3, 'pie', 'Content type', 'mart.plays_by_content'),
  ('listening', 2, 4, 'columns', 'Top artists', 'mart.top_artists'),
  ('listening', 2, 5, 'line', 'Plays by month and day', 'mart.plays_by_day'),
  ('listening', 2, 6, 'slicer', 'Month', 'mart.months'),
  ('listening', 2, 7, 'slicer', 'Days', 'mart.date_range'),
  ('listening', 2, 8, 'slicer', 'Album', 'mart.album_choices'),
  ('listening', 2, 9, 'button', 'Other page', 'mart.report_page'),
  ('listening', 2, 10, 'text', 'Title', 'mart.report_page'),
  ('listening', 2, 11, 'image', 'Logo', 'mart.report_page');
