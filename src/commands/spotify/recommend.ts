import type { Sql } from 'postgres';
import { parseDuration } from '../../base/durations.ts';
import { DbadminError } from '../../base/errors.ts';
import { findSong } from '../../spotify/recommend/find-track.ts';
import {
  recommendAfter,
  recommendByPreference,
  recommendFor,
  type Heard,
  type Preference,
  type RecommendedSong,
} from '../../spotify/recommend/inspect.ts';
import { listOption, textOption, type CommandContext, type CommandInput } from '../command.ts';
import type { Output } from '../output.ts';
import { countOption, withRecommender } from './recommender.ts';

/** Whom or what the songs are for. */
type Ask =
  | { readonly by: 'listener'; readonly listener: string; readonly heard: Heard; readonly recentMs: number }
  | { readonly by: 'track'; readonly track: string }
  | ({ readonly by: 'preference' } & Preference);

const DAY_MS = 86_400_000;

export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const ask = readAsk(input);
  const count = countOption(input);
  await withRecommender(context, input, async (sql, isCurrent) => {
    const songs = await answer(sql, ask, count);
    show(context.output, ask, songs);
    context.output.result({ by: ask.by, songs, isUpToDate: isCurrent });
  });
  return 0;
}

function readAsk(input: CommandInput): Ask {
  const [listener, track] = [textOption(input, 'listener'), textOption(input, 'after')];
  const [genres, features, liked] = [listOption(input, 'genre'), featuresOf(listOption(input, 'feature')), listOption(input, 'like')];
  const popularity = weightOf(textOption(input, 'popular'));
  const isPreference = genres.length + Object.keys(features).length + liked.length > 0 || popularity !== undefined;
  if ([listener !== undefined, track !== undefined, isPreference].filter(Boolean).length !== 1) {
    throw new DbadminError('usage', 'say for whom the songs are: --listener, --after, or a preference', {
      hint: 'One of: --listener NAME; --after TRACK; any of --genre, --feature, --like and --popular.',
    });
  }
  const unheardBy = textOption(input, 'unheardBy');
  if (!isPreference && unheardBy !== undefined)
    throw new DbadminError('usage', '--unheard-by goes with a preference', { hint: 'For a listener, --heard says what may come.' });
  const [heard, recent] = [textOption(input, 'heard'), textOption(input, 'recent')];
  if (listener === undefined && (heard !== undefined || recent !== undefined)) {
    throw new DbadminError('usage', '--heard and --recent are about the songs of a --listener');
  }
  if (listener !== undefined)
    return {
      by: 'listener',
      listener,
      heard: heardOf(heard, recent),
      recentMs: recent === undefined ? 30 * DAY_MS : parseDuration(recent),
    };
  if (track !== undefined) return { by: 'track', track };
  return { by: 'preference', genres, features, liked, popularity, unheardBy };
}

function heardOf(heard: string | undefined, recent: string | undefined): Heard {
  switch (heard) {
    case undefined:
      if (recent === undefined) return 'never';
      return 'not recently';
    case 'not-recently':
      return 'not recently';
    case 'any':
      return 'any';
    case 'never':
      if (recent === undefined) return 'never';
      throw new DbadminError('usage', '--recent goes with --heard not-recently');
    default:
      throw new DbadminError('usage', `--heard takes never, not-recently or any, not "${heard}"`);
  }
}

function featuresOf(given: readonly string[]): Readonly<Record<string, number>> {
  return Object.fromEntries(
    given.map((text) => {
      const at = text.indexOf('=');
      const [name, value] = [text.slice(0, at).trim(), text.slice(at + 1).trim()];
      if (at > 0 && value !== '' && Number.isFinite(Number(value))) return [name, Number(value)];
      throw new DbadminError('usage', `--feature takes name=value, such as energy=0.8, not "${text}"`);
    }),
  );
}

function weightOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (text.trim() !== '' && value >= 0 && value <= 1) return value;
  throw new DbadminError('usage', `--popular takes a number from 0 to 1, not "${text}"`);
}

async function answer(sql: Sql, ask: Ask, count: number): Promise<readonly RecommendedSong[]> {
  switch (ask.by) {
    case 'listener':
      return await recommendFor(sql, ask.listener, { count, heard: ask.heard, recentMs: ask.recentMs });
    case 'track':
      return await recommendAfter(sql, (await findSong(sql, ask.track)).trackId, count);
    case 'preference': {
      const liked: string[] = [];
      for (const track of ask.liked) liked.push((await findSong(sql, track)).trackId);
      return await recommendByPreference(sql, { ...ask, liked }, count);
    }
  }
}

function show(output: Output, ask: Ask, songs: readonly RecommendedSong[]): void {
  if (songs.length === 0) output.line('nothing to recommend: the warehouse has no songs that fit');
  else {
    output.table(
      [{ head: '', align: 'right' }, 'song', 'artist', { head: 'track', align: 'right' }, 'reason'],
      songs.map(({ rank, name, artist, trackId, reason, becauseOf }) => [
        String(rank),
        name ?? '(name unknown)',
        artist ?? '',
        trackId,
        becauseOf !== null ? `${reason} with ${becauseOf.artist ?? '?'} - ${becauseOf.name ?? '?'}` : reason,
      ]),
    );
  }
}
