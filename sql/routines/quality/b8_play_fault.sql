create or replace function quality.b8_play_fault(ms_played numeric) returns text
language sql immutable parallel safe
as $$
  select case when ms_played < 0 or ms_played > 2147483647 or ms_played <> pg_catalog.trunc(ms_played)
              then 'msPlayed is out of range: ' || ms_played::text end
$$;
comment on function quality.b8_play_fault(numeric) is 'B8: what is wrong with the milliseconds of a play, or NULL. Skips and very long plays are facts, not faults.';
