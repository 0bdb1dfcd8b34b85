-- dbadmin: allow type-change -- landed plays are read by load steps only, and these wait for one another
-- Plays of exports are kept as the text they came in: jsonb puts keys in another order and drops what is said twice, and making it of
-- every play is most of the work of receiving one. The load steps read each play once.
alter table raw.streaming_history alter column body type json using body::json;
alter table raw.extended_history alter column body type json using body::json;
