import { readPreferenceChoices } from '../../spotify/recommend/inspect-choices.ts';
import type { CommandContext, CommandInput } from '../command.ts';
import { withRecommender } from './recommender.ts';

export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const { output } = context;
  await withRecommender(context, input, async (sql) => {
    const choices = await readPreferenceChoices(sql);
    const right = (head: string): { readonly head: string; readonly align: 'right' } => ({ head, align: 'right' });
    if (choices.features.length === 0) output.line('no song was analysed: songs files bring audio features');
    else {
      output.table(
        ['--feature', right('least'), right('mean'), right('most')],
        choices.features.map(({ feature, least, mean, most }) => [feature, ...[least, mean, most].map((value) => value.toFixed(2))]),
      );
    }
    if (choices.genres.length === 0) output.line('no song has a genre: playlists of songs files and charts bring them');
    else {
      output.table(
        ['--genre', right('songs')],
        choices.genres.map(({ genre, songs }) => [genre, songs.toLocaleString('en')]),
      );
    }
    output.result(choices);
  });
  return 0;
}
