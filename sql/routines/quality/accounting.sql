-- Histories are counted play by play, not by the number of plays that a slice is said to hold.
create or replace view quality.accounting as
select b.batch_id, b.source, b.file_name, b.listener_name,
       received.rows as rows_received, facts.rows as rows_out, refused.rows as rows_rejected,
       received.rows - facts.rows - refused.rows as rows_open
from raw.batch as b
cross join lateral (
  select count(*) as rows from (
    select from raw.song as s where s.batch_id = b.batch_id
    union all
    select from raw.streaming_history as h where h.batch_id = b.batch_id
    union all
    select from raw.extended_history as x where x.batch_id = b.batch_id
    union all
    select from raw.library_entry as l where l.batch_id = b.batch_id
    union all
    select from raw.playlist_entry as p where p.batch_id = b.batch_id
    union all
    select from raw.chart_entry as c where c.batch_id = b.batch_id
    union all
    -- Of pages what they hold counts.
    select from raw.page as g cross join lateral quality.page_items(g.endpoint, g.status, g.body) as i where g.batch_id = b.batch_id
  ) as landed
) as received
cross join lateral (
  select count(*) as rows from (
    select from core.playlist_track as pt where pt.batch_id = b.batch_id
    union all
    select from core.play as p where p.batch_id = b.batch_id
    union all
    select from core.accepted_row as r where r.batch_id = b.batch_id
  ) as kept
) as facts
cross join lateral (
  select count(*) as rows from quality.quarantine as q where q.batch_id = b.batch_id
) as refused;
comment on view quality.accounting is 'Rows in = rows out + rejected, counted over the tables, of pages their items: rows_open is what no step has disposed of yet.';
