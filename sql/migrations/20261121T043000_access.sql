-- Which login is which listener, so that row policies can show people their own rows and nobody else's. Logins belong to
-- the cluster and cannot be referred to from a database: the name of a role that is gone lets nobody in.
create table core.listener_login (
  login       name primary key,
  listener_id bigint not null references core.listener
);
create index listener_login_listener_idx on core.listener_login (listener_id);
comment on table core.listener_login is 'Which login of the cluster is which listener; row policies look here. Written by the owner.';
comment on column core.listener_login.login is 'The role that logs in.';
comment on column core.listener_login.listener_id is 'Whose rows it sees.';

-- Runs of before stay without a name: nobody wrote down whose they were.
alter table quality.run add column started_by text;
alter table quality.run alter column started_by set default session_user;
comment on column quality.run.started_by is 'The role that had logged in; NULL for runs of before this was noted.';
