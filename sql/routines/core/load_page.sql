create or replace function core.settle_page(run bigint, batch bigint) returns void
language plpgsql
set search_path = pg_catalog
as $$
declare
  read_items bigint;
  rejected bigint;
begin
  insert into quality.quarantine (batch_id, row_no, item_no, rule_id, reason, raw_row, run_id)
  select i.batch_id, i.row_no, i.item_no, i.rule_id, i.reason, i.body, run
  from quality.page_item as i where i.batch_id = batch and i.rule_id is not null;

  insert into core.accepted_row (batch_id, row_no, item_no, items)
  select i.batch_id, i.row_no, i.item_no, (i.kind <> 'other')::integer
  from quality.page_item as i
  where i.batch_id = batch and i.rule_id is null
    and not exists (select from core.play as p where p.batch_id = batch and p.row_no = i.row_no and p.item_no = i.item_no)
    and not exists (select from core.playlist_track as t where t.batch_id = batch and t.row_no = i.row_no and t.item_no = i.item_no);

  insert into quality.rule_count (run_id, rule_id, finding, found)
  select run, i.rule_id, 'items refused', count(*) from quality.page_item as i
  where i.batch_id = batch and i.rule_id is not null group by i.rule_id;

  select count(*), count(*) filter (where i.rule_id is not null) into read_items, rejected
  from quality.page_item as i where i.batch_id = batch;
  delete from quality.page_item as i where i.batch_id = batch;
  delete from quality.page_object as o where o.batch_id = batch;
  call quality.finish_run(run, read_items, read_items - rejected, rejected);
end
$$;
comment on function core.settle_page(bigint, bigint) is
  'Last part of core.load_page: refused items into quarantine, the others accounted for, the run row closed.';

create or replace procedure core.load_page(batch bigint, inout run bigint default null)
language plpgsql
set search_path = pg_catalog
as $$
declare
  message text;
begin
  run := quality.start_run('core.load_page', batch);
  begin
    if not exists (select from raw.batch as b where b.batch_id = batch and b.source = 'page') then
      raise exception 'batch % has no pages of the Web API', batch;
    end if;
    perform core.read_page(batch);
    perform core.judge_page(batch);
    perform core.collect_page_objects(batch);
    perform quality.measure_work();
    perform core.know_page_artists(batch);
    perform core.know_page_albums(batch);
    perform core.know_page_tracks(batch);
    perform core.keep_page_person(batch);
    perform core.keep_page_plays(batch);
    perform core.keep_page_library(batch);
    perform core.keep_page_playlists(batch);
    perform core.drop_page_listings(batch);
    perform core.settle_page(run, batch);
  exception when others then
    get stacked diagnostics message = message_text;
    call quality.fail_run(run, message);
  end;
end
$$;
comment on procedure core.load_page(bigint, bigint) is
  'Cleanses one batch of pages of the Web API into core, item by item; rows of its run are items. Can be called again: only items not yet disposed of are looked at. Failing, it leaves nothing but its run row.';
