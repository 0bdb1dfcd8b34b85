create or replace function quality.start_run(step text, batch bigint) returns bigint
language plpgsql
set search_path = pg_catalog
as $$
declare
  run bigint;
begin
  -- One step at a time: two loads that meet the same new artist would otherwise wait for each other in a circle.
  perform pg_advisory_xact_lock(hashtextextended('warehouse.load', 0));
  insert into quality.run (step, batch_id) values (step, batch) returning run_id into run;
  return run;
end
$$;
comment on function quality.start_run(text, bigint) is 'Opens the run row of a load step and waits until no other step runs.';

create or replace procedure quality.finish_run(run bigint, rows_in bigint, rows_out bigint, rows_rejected bigint)
language sql
set search_path = pg_catalog
as $$
  update quality.run as r
  set finished_at = clock_timestamp(), rows_in = finish_run.rows_in, rows_out = finish_run.rows_out,
      rows_rejected = finish_run.rows_rejected
  where r.run_id = run
$$;
comment on procedure quality.finish_run(bigint, bigint, bigint, bigint) is 'Closes the run row of a step that went well.';

create or replace function quality.demand_run(run bigint) returns void
language plpgsql
set search_path = pg_catalog
as $$
declare
  failed quality.run;
begin
  select r.* into failed from quality.run as r where r.run_id = run and r.error is not null;
  if found then
    raise exception using message = format('%s failed: %s', failed.step, failed.error), hint = format('See quality.run where run_id = %s.', run);
  end if;
end
$$;
comment on function quality.demand_run(bigint) is 'Raises what a run row says went wrong; does nothing for a run that went well.';

create or replace procedure quality.fail_run(run bigint, message text)
language plpgsql
set search_path = pg_catalog
as $$
begin
  update quality.run as r set finished_at = clock_timestamp(), error = message where r.run_id = run;
  raise warning using message = format('load step failed and was undone: %s', message),
    hint = format('See quality.run where run_id = %s.', run);
end
$$;
comment on procedure quality.fail_run(bigint, text) is 'Closes the run row of a step that failed. The step''s own work is undone already; a warning says so.';
