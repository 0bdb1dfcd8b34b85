-- The three floors of the warehouse. Nothing is created in public.
create schema raw;
comment on schema raw is 'Every row as it was received, with its batch; append-only. Written by dbadmin spotify load.';

create schema quality;
comment on schema quality is 'Cleansing rules, what each found per run, and the rows they refused.';

create schema core;
comment on schema core is 'The cleansed facts in third normal form. Written by the load procedures only.';
