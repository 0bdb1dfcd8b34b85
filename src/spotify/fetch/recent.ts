import { DbadminError } from '../../base/errors.ts';
import type { ApiPage } from '../api/run.ts';
import type { PossibleGap } from './page-set.ts';

/** Asks for one page. */
export type GetPage = (path: string, query?: Readonly<Record<string, string>>) => Promise<ApiPage>;

export interface RecentPlays {
  readonly pages: readonly ApiPage[];
  /** Plays after the cursor. */
  readonly items: number;
  readonly newestPlayedAt: Date | undefined;
  readonly gap: PossibleGap | undefined;
}

const PATH = 'me/player/recently-played';
/** As many as Spotify gives at once, and as many as it keeps. */
const LIMIT = 50;

/**
 * The plays after `cursor`, the newest play known; without one all that there are.
 *
 * A full page may not reach back to the cursor: then what lies before it is asked for, with `before`, as `after` and `before`
 * exclude each other. Spotify keeps 50 plays, so mostly nothing comes, with null for cursors; what lies between may be lost.
 */
export async function fetchRecent(get: GetPage, cursor: Date | undefined): Promise<RecentPlays> {
  const pages: ApiPage[] = [];
  const seen: Date[] = [];
  let query: Readonly<Record<string, string>> = {
    limit: String(LIMIT),
    ...(cursor === undefined ? {} : { after: String(cursor.getTime()) }),
  };
  for (;;) {
    const page = await get(PATH, query);
    const times = playedAt(page);
    if (times.length > 0) pages.push(page);
    const isKnown = cursor !== undefined && times.some((time) => time <= cursor);
    seen.push(...times.filter((time) => cursor === undefined || time > cursor));
    const oldest = times.reduce<Date | undefined>((least, time) => (least === undefined || time < least ? time : least), undefined);
    if (oldest === undefined || isKnown || times.length < LIMIT) {
      const isComplete = cursor === undefined || isKnown || pages.length === 0 || (pages.length === 1 && times.length > 0);
      return summary(pages, seen, isComplete ? undefined : cursor);
    }
    query = { limit: String(LIMIT), before: String(oldest.getTime()) };
  }
}

function summary(pages: readonly ApiPage[], seen: readonly Date[], cursor: Date | undefined): RecentPlays {
  const order = seen.toSorted((a, b) => a.getTime() - b.getTime());
  const [oldest, newest] = [order[0], order.at(-1)];
  const gap = cursor === undefined || oldest === undefined ? undefined : { after: cursor, before: oldest };
  return { pages: seen.length === 0 ? [] : pages, items: seen.length, newestPlayedAt: newest, gap };
}

function playedAt({ body }: ApiPage): readonly Date[] {
  if (!Array.isArray(body['items'])) throw new DbadminError('api-failed', `the answer of ${PATH} has no list of plays`);
  return (body['items'] as readonly unknown[]).flatMap((item) => {
    const text = typeof item === 'object' && item !== null && 'played_at' in item ? item.played_at : undefined;
    const time = new Date(typeof text === 'string' ? text : Number.NaN);
    return Number.isNaN(time.getTime()) ? [] : [time];
  });
}
