create or replace function quality.b7_trim(value text) returns text
language sql immutable parallel safe
as $$ select pg_catalog.btrim(value, E' \t\n\r\f\u000b\u00a0\u2003\u2009\u200b\u3000\ufeff') $$;
comment on function quality.b7_trim(text) is 'B7: the text without outer blanks, byte order marks and the like.';

create or replace function quality.b7_has_lost_letters(value text) returns boolean
language sql immutable parallel safe
as $$ select pg_catalog.strpos(value, E'\ufffd') > 0 or pg_catalog.strpos(value, E'\u00ef\u00bf\u00bd') > 0 $$;
comment on function quality.b7_has_lost_letters(text) is 'B7: whether an encoding mishap replaced letters (U+FFFD, or its bytes read as Latin-1).';
