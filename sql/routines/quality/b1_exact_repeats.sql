create or replace function quality.b1_exact_repeats(batch bigint) returns table (row_no integer, first_row_no integer)
language sql stable
set search_path = pg_catalog
as $$
  select row_no, first_row_no
  from (
    select s.row_no, min(s.row_no) over (partition by s.hash) as first_row_no from raw.song as s where s.batch_id = batch
    union all
    select h.row_no, min(h.row_no) over (partition by h.hash) from raw.streaming_history as h where h.batch_id = batch
    union all
    select x.row_no, min(x.row_no) over (partition by x.hash) from raw.extended_history as x where x.batch_id = batch
    union all
    select l.row_no, min(l.row_no) over (partition by l.list, l.hash) from raw.library_entry as l where l.batch_id = batch
    union all
    select p.row_no, min(p.row_no) over (partition by p.hash) from raw.playlist_entry as p where p.batch_id = batch
    union all
    select c.row_no, min(c.row_no) over (partition by c.hash) from raw.chart_entry as c where c.batch_id = batch
  ) as rows
  where row_no > first_row_no
$$;
comment on function quality.b1_exact_repeats(bigint) is 'B1: rows of a batch that are byte for byte an earlier row of it.';
