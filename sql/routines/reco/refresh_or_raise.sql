-- For a schedule, which goes by errors. No SET here: a procedure that has one may not commit.
create or replace procedure reco.refresh_or_raise()
language plpgsql
as $$
declare
  run bigint;
begin
  call reco.refresh(run);
  -- The run row stays, whatever is raised then.
  commit;
  perform quality.demand_run(run);
end
$$;
comment on procedure reco.refresh_or_raise() is
  'Brings the recommender up to date as reco.refresh does, commits, and fails when that failed. Not for inside a transaction.';
