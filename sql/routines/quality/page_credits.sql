create or replace function quality.page_credits(batch bigint, kind text)
returns table (core_id bigint, "position" smallint, artist_id bigint)
language sql stable
set search_path = pg_catalog
as $$
  select o.core_id, (row_number() over (partition by o.core_id order by min(e.nth)))::smallint, r.core_id
  from quality.page_object as o
  cross join lateral jsonb_array_elements(case when jsonb_typeof(o.body -> 'artists') = 'array' then o.body -> 'artists' end)
    with ordinality as e (body, nth)
  join quality.page_object as r on r.batch_id = batch and r.kind = 'artist' and r.object_key = quality.object_key(e.body)
  where o.batch_id = batch and o.kind = page_credits.kind and o.core_id is not null
  group by o.core_id, r.core_id
$$;
comment on function quality.page_credits(bigint, text) is
  'Whose the albums or tracks of a batch of pages being worked on are, in the order named, once they are in core.';
