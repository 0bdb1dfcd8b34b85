import type { GeneratedPlay } from './history-file.ts';
import type { SeededRandom } from './random.ts';

/**
 * The text of an extended export of these plays, in pieces: the second of the end, identifiers, why it began and ended.
 * Now and then an episode of a podcast, which names no track, and a play in a private session.
 */
export function* extendedPieces(random: SeededRandom, plays: Iterable<GeneratedPlay>): Generator<string> {
  yield '[';
  let n = 0;
  for (const play of plays) {
    yield `${n === 0 ? '' : ','}\n  ${JSON.stringify(extended(random, play, random.oneIn(300)))}`;
    n += 1;
  }
  yield '\n]\n';
}

function extended(random: SeededRandom, play: GeneratedPlay, isEpisode: boolean): Readonly<Record<string, unknown>> {
  const { song, msPlayed } = play;
  const isSkip = msPlayed < song.durationMs;
  const names = isEpisode
    ? {
        master_metadata_track_name: null,
        master_metadata_album_artist_name: null,
        master_metadata_album_album_name: null,
        spotify_track_uri: null,
      }
    : {
        master_metadata_track_name: play.trackName,
        master_metadata_album_artist_name: play.artistName,
        master_metadata_album_album_name: song.albumName,
        spotify_track_uri: `spotify:track:${song.id}`,
      };
  return {
    ts: `${new Date(play.endedAtMs).toISOString().slice(0, 19)}Z`,
    platform: random.pick(['android', 'ios', 'linux', 'web_player']),
    ms_played: msPlayed,
    conn_country: random.pick(['DE', 'IN', 'VN']),
    ip_addr: '192.0.2.1',
    ...names,
    episode_name: isEpisode ? `Episode about ${song.name}` : null,
    episode_show_name: isEpisode ? 'A Show' : null,
    spotify_episode_uri: isEpisode ? `spotify:episode:${song.id}` : null,
    reason_start: random.pick(['trackdone', 'clickrow', 'fwdbtn', 'playbtn']),
    reason_end: isSkip ? 'fwdbtn' : 'trackdone',
    shuffle: random.oneIn(2),
    skipped: random.oneIn(10) ? null : isSkip,
    offline: random.oneIn(20),
    offline_timestamp: null,
    incognito_mode: random.oneIn(200),
  };
}
