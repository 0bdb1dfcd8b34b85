create or replace view quality.possible_gap as
select listener_name, gap_after, gap_before, started_at as noticed_at, batch_id
from raw.page_set
where gap_after is not null;
comment on view quality.possible_gap is 'Between which moments plays of a listener may be missing: the Web API keeps the last 50 only.';
comment on column quality.possible_gap.listener_name is 'Whose plays.';
comment on column quality.possible_gap.gap_after is 'The last play known before.';
comment on column quality.possible_gap.gap_before is 'The first play known afterwards.';
comment on column quality.possible_gap.noticed_at is 'When the fetch began that noticed it.';
comment on column quality.possible_gap.batch_id is 'The pages of that fetch.';
