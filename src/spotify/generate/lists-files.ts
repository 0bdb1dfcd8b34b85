import type { GeneratedSong } from './catalogue.ts';
import type { SeededRandom } from './random.ts';

/** Entries of each playlist of an account export. */
export const LISTED = 20;
/** Entries of a library. */
export const SAVED = 38;

/** The lines of a playlist as exporters of playlists write it, header first; the same track may stand in it twice. */
export function* playlistLines(random: SeededRandom, songs: readonly GeneratedSong[], length: number): Generator<string> {
  yield '"Track URI","Track Name","Artist URI(s)","Artist Name(s)","Album Name","Album Release Date","Track Duration (ms)","Popularity","Added By","Added At"\n';
  const text = (value: string): string => `"${value.replaceAll('"', '""')}"`;
  for (let n = 0; n < length; n += 1) {
    const song = random.pick(songs);
    const isLocal = random.oneIn(60);
    const added = `2025-0${random.between(1, 9)}-1${random.between(0, 9)}T08:00:00Z`;
    const uri = isLocal ? `spotify:local:::${encodeURIComponent(song.name)}:200` : `spotify:track:${song.id}`;
    yield `${[uri, song.name, '', song.artist, song.albumName, song.released].map(text).join(',')},${song.durationMs},${song.popularity},"",${text(added)}\n`;
  }
}

/** Playlists of an account export; one entry is an episode, one track has been taken away. */
export function playlistDocument(random: SeededRandom, songs: readonly GeneratedSong[]): string {
  const item = (song: GeneratedSong, kind: number): unknown => ({
    track:
      kind > 1 ? { trackName: song.name, artistName: song.artist, albumName: song.albumName, trackUri: `spotify:track:${song.id}` } : null,
    episode: kind === 1 ? { episodeName: song.name, showName: 'A Show', episodeUri: `spotify:episode:${song.id}` } : null,
    localTrack: null,
    addedDate: `2025-03-${random.between(10, 28)}`,
  });
  const playlists = ['Mornings', 'Évenings'].map((name) => ({
    name,
    lastModifiedDate: '2025-04-01',
    collaborators: [],
    items: Array.from({ length: LISTED }, (_, n) => item(random.pick(songs), n)),
    description: null,
    numberOfFollowers: 0,
  }));
  return `${JSON.stringify({ playlists }, undefined, 2)}\n`;
}

/** The library of an account export. */
export function libraryDocument(random: SeededRandom, songs: readonly GeneratedSong[]): string {
  const saved = Array.from({ length: SAVED - 8 }, () => random.pick(songs));
  const tracks = saved.map((song) => ({ artist: song.artist, album: song.albumName, track: song.name, uri: `spotify:track:${song.id}` }));
  const albums = saved.slice(0, 5).map((song) => ({ artist: song.artist, album: song.albumName, uri: `spotify:album:${song.albumId}` }));
  const artists = saved.slice(0, 3).map((song) => ({ name: song.artist, uri: `spotify:artist:${song.albumId}` }));
  return `${JSON.stringify({ tracks, albums, shows: [], episodes: [], bannedTracks: [], artists, bannedArtists: [], other: [] }, undefined, 2)}\n`;
}

/** A page of recently played tracks as the Web API gives it, in our envelope: one play without a context, one without a track. */
export function recentPage(random: SeededRandom, songs: readonly GeneratedSong[], firstDayMs: number): string {
  const items = Array.from({ length: 50 }, (_, n) => {
    const song = random.pick(songs);
    const track = {
      id: song.id,
      name: song.name,
      duration_ms: song.durationMs,
      explicit: random.oneIn(10),
      uri: `spotify:track:${song.id}`,
      artists: [{ name: song.artist }],
      album: { id: song.albumId, name: song.albumName, release_date: song.released },
    };
    const context = n % 3 === 0 ? null : { type: 'playlist', uri: `spotify:playlist:${song.albumId}` };
    return { track: n === 7 ? null : track, played_at: new Date(firstDayMs + (50 - n) * 200_000).toISOString(), context };
  });
  const url = 'https://api.spotify.com/v1/me/player/recently-played?limit=50';
  const body = { items, next: null, cursors: null, limit: 50, href: url };
  return `${JSON.stringify({ url, status: 200, fetched_at: new Date(firstDayMs + 11_000_000).toISOString(), body })}\n`;
}
