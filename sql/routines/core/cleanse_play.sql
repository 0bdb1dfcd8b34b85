create or replace function core.cleanse_play() returns trigger
language plpgsql
set search_path = pg_catalog
as $$
begin
  new.ended_at := date_trunc(new.time_precision, new.ended_at, 'UTC');
  if new.minute_seq is null then
    select coalesce(max(p.minute_seq), 0) + 1 into new.minute_seq
    from core.play as p where p.listener_id = new.listener_id and p.ended_at = new.ended_at;
  end if;
  return new;
end
$$;
comment on function core.cleanse_play() is
  'Trigger: rule B11, ends are kept as precisely as the source tells them, and plays of one moment are numbered.';

create or replace trigger play_cleanse before insert on core.play
  for each row execute function core.cleanse_play();
