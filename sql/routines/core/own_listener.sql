-- The argument of every row policy. Not SECURITY DEFINER: a policy on core.listener_login shows each login its own row.
create or replace function core.own_listener() returns bigint
language sql stable
set search_path = pg_catalog
as $$
  select l.listener_id from core.listener_login as l where l.login = current_user
$$;
comment on function core.own_listener() is 'The listener who asks, by core.listener_login; NULL for everybody else.';
