import type { Sql } from 'postgres';
import { DbadminError, messageOf, systemCodeOf } from '../../base/errors.ts';
import { openClient } from '../../postgres/client.ts';
import { refreshRecommender } from '../../spotify/recommend/apply.ts';
import { isUpToDate } from '../../spotify/recommend/inspect.ts';
import { flagOption, textOption, type CommandContext, type CommandInput } from '../command.ts';
import { loadProject } from '../load-project.ts';

const MOST = 1000;

/** Opens the warehouse, refreshes the recommender where that was asked for, and says when it is behind. */
export async function withRecommender<T>(
  context: CommandContext,
  input: CommandInput,
  use: (sql: Sql, isCurrent: boolean) => Promise<T>,
): Promise<T> {
  const { output } = context;
  const { cluster } = await loadProject(context, input);
  const sql = await openClient(cluster.connection, { applicationName: 'dbadmin spotify recommend', jit: false });
  try {
    if (flagOption(input, 'refresh'))
      output.note(`neighbours of ${(await refreshRecommender(sql)).toLocaleString('en')} songs were looked at`);
    const isCurrent = await isUpToDate(sql);
    if (!isCurrent)
      output.warn(
        'what was loaded since the last refresh is not taken into account\n--refresh takes it in, and so does: call reco.refresh()',
      );
    return await use(sql, isCurrent);
  } catch (error) {
    const code = systemCodeOf(error);
    if (code === '42P01' || code === '3F000' || code === '42883') {
      throw new DbadminError('refused', 'this database has no recommender', {
        detail: messageOf(error),
        hint: 'dbadmin migrate brings the warehouse up to date.',
        cause: error,
      });
    }
    if (code === '42501')
      throw new DbadminError('privilege-missing', 'this role may not use the recommender', {
        detail: messageOf(error),
        hint: 'Let its owner grant it: GRANT EXECUTE ON FUNCTION reco.by_preference, reco.next_track, reco.popular, reco.recommend, reco.sounds_like, quality.b7_trim, quality.b13_fold TO the_role.',
        cause: error,
      });
    throw error;
  } finally {
    await sql.end({ timeout: 5 });
  }
}

/** How many songs were asked for. @throws {DbadminError} `usage`. */
export function countOption(input: CommandInput): number {
  const text = textOption(input, 'k');
  if (text === undefined) return 10;
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= 1 && value <= MOST) return value;
  throw new DbadminError('usage', `--k takes a whole number from 1 to ${MOST}, not "${text}"`);
}
