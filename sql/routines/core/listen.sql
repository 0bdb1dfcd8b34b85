create or replace view core.listen as
select p.play_id, p.listener_id, p.track_id, p.ended_at, p.minute_seq, p.ms_played
from core.play as p
where p.ms_played between 30000 and 3600000;
comment on view core.listen is 'Plays that count as listening: 30 s to 60 min.';
