create or replace function core.keep_page_person(batch bigint) returns void
language sql
set search_path = pg_catalog
as $$
  insert into core.listener (name)
  select b.listener_name from raw.batch as b where b.batch_id = batch and b.listener_name is not null
  on conflict (name) do nothing;

  -- Loaded under two names, one person's plays would count twice.
  update quality.page_item as i
  set rule_id = 'B2', reason = format('the account is that of listener %s', l.name)
  from raw.batch as b, core.listener as l
  where i.batch_id = batch and i.kind = 'profile' and i.rule_id is null
    and b.batch_id = batch and l.name <> b.listener_name and l.account_id = i.object ->> 'account_id';

  update core.listener as l
  set account_id = coalesce(n.account_id, l.account_id), user_id = coalesce(n.user_id, l.user_id), country = coalesce(n.country, l.country),
      product = coalesce(n.product, l.product)
  from (
    select distinct on (b.listener_name) b.listener_name, nullif(i.object ->> 'account_id', '') as account_id, nullif(i.object ->> 'id', '') as user_id,
      substring(upper(i.object ->> 'country') from '^[A-Z]{2}$') as country, quality.b4_null_marker(quality.b7_trim(i.object ->> 'product')) as product
    from quality.page_item as i join raw.batch as b using (batch_id)
    where i.batch_id = batch and i.kind = 'profile' and i.rule_id is null
    order by b.listener_name, i.row_no desc, i.item_no desc
  ) as n
  where l.name = n.listener_name
    and (coalesce(n.account_id, l.account_id), coalesce(n.user_id, l.user_id), coalesce(n.country, l.country), coalesce(n.product, l.product))
      is distinct from (l.account_id, l.user_id, l.country, l.product);

  insert into core.device as d (listener_id, name, device_type, spotify_id, first_seen_at, last_seen_at)
  select distinct on (l.listener_id, n.name, n.device_type) l.listener_id, n.name, n.device_type, nullif(i.object ->> 'id', ''), i.seen_at, i.seen_at
  from quality.page_item as i
  join raw.batch as b using (batch_id)
  join core.listener as l on l.name = b.listener_name
  cross join lateral (
    select quality.b7_trim(i.object ->> 'name') as name, coalesce(quality.b7_trim(i.object ->> 'type'), '') as device_type
  ) as n
  where i.batch_id = batch and i.kind = 'device' and i.rule_id is null
  order by l.listener_id, n.name, n.device_type, i.row_no, i.item_no
  on conflict (listener_id, name, device_type) do update
    set spotify_id = coalesce(excluded.spotify_id, d.spotify_id), first_seen_at = least(d.first_seen_at, excluded.first_seen_at),
        last_seen_at = excluded.last_seen_at
    where excluded.last_seen_at > d.last_seen_at;

  update quality.page_item as i
  set rule_id = 'B2', reason = 'the list has it already'
  from (
    select x.row_no, x.item_no,
      row_number() over (partition by x.kind, x.about, x.seen_at, x.fact_id order by x.place, x.row_no, x.item_no) as nth,
      row_number() over (partition by x.kind, x.about, x.seen_at, x.place order by x.row_no, x.item_no) as nth_there
    from quality.page_item as x
    where x.batch_id = batch and x.kind in ('top artist', 'top track', 'best track') and x.rule_id is null
  ) as again
  where i.batch_id = batch and i.row_no = again.row_no and i.item_no = again.item_no and (again.nth > 1 or again.nth_there > 1);

  insert into core.top_list (listener_id, kind, time_range, taken_at)
  select distinct l.listener_id, case i.kind when 'top artist' then 'artists' else 'tracks' end, i.about, i.seen_at
  from quality.page_item as i join raw.batch as b using (batch_id) join core.listener as l on l.name = b.listener_name
  where i.batch_id = batch and i.kind in ('top artist', 'top track') and i.rule_id is null
  order by 1, 2, 3, 4
  on conflict do nothing;

  insert into core.top_list_artist (top_list_id, rank, artist_id)
  select t.top_list_id, i.place, i.fact_id
  from quality.page_item as i join raw.batch as b using (batch_id) join core.listener as l on l.name = b.listener_name
  join core.top_list as t on t.listener_id = l.listener_id and t.kind = 'artists' and t.time_range = i.about and t.taken_at = i.seen_at
  where i.batch_id = batch and i.kind = 'top artist' and i.rule_id is null
  on conflict do nothing;

  insert into core.top_list_track (top_list_id, rank, track_id)
  select t.top_list_id, i.place, i.fact_id
  from quality.page_item as i join raw.batch as b using (batch_id) join core.listener as l on l.name = b.listener_name
  join core.top_list as t on t.listener_id = l.listener_id and t.kind = 'tracks' and t.time_range = i.about and t.taken_at = i.seen_at
  where i.batch_id = batch and i.kind = 'top track' and i.rule_id is null
  on conflict do nothing;

  insert into core.artist_top_track (artist_id, taken_at, rank, track_id)
  select a.artist_id, i.seen_at, i.place, i.fact_id
  from quality.page_item as i join core.artist as a on a.spotify_id = i.about
  where i.batch_id = batch and i.kind = 'best track' and i.rule_id is null
  on conflict do nothing
$$;
comment on function core.keep_page_person(bigint) is
  'Part of core.load_page: accepted items become what is known of the listener, their devices, and top lists, which stay as they were each time.';
