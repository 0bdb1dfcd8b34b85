-- ICU's root collation: folding must not depend on the locale the cluster was created with.
create or replace function quality.b13_fold(value text) returns text
language sql immutable parallel safe
as $$ select pg_catalog.lower(quality.b7_trim(value) collate "und-x-icu") $$;
comment on function quality.b13_fold(text) is 'B13: the form in which two names mean the same.';
