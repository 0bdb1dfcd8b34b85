import { findSong } from '../../spotify/recommend/find-track.ts';
import { soundsLike } from '../../spotify/recommend/inspect.ts';
import type { CommandContext, CommandInput } from '../command.ts';
import { countOption, withRecommender } from './recommender.ts';

export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const { output } = context;
  const [text = ''] = input.args;
  const count = countOption(input);
  await withRecommender(context, input, async (sql, isCurrent) => {
    const track = await findSong(sql, text);
    const title = `${track.artist ?? '?'} - ${track.name ?? '?'}`;
    const songs = await soundsLike(sql, track.trackId, count);
    if (songs === undefined) output.line(`the audio features of ${title} are not known: songs files have them, account exports do not`);
    else {
      output.line(`Sounds like ${title} (track ${track.trackId}):`);
      output.table(
        [{ head: '', align: 'right' }, 'song', 'artist', { head: 'track', align: 'right' }, { head: 'distance', align: 'right' }],
        songs.map(({ rank, name, artist, trackId, distance }) => [
          String(rank),
          name ?? '(name unknown)',
          artist ?? '',
          trackId,
          distance.toFixed(2),
        ]),
      );
    }
    output.result({ track, songs: songs ?? [], isUpToDate: isCurrent });
  });
  return 0;
}
