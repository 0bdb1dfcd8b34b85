import type postgres from 'postgres';
import { DbadminError } from '../../base/errors.ts';

/**
 * Brings the recommender up to date; gives how many songs' neighbours were looked at.
 *
 * @throws {DbadminError} `query-failed` with what the run row says: nothing was changed.
 */
export async function refreshRecommender(sql: postgres.Sql): Promise<number> {
  const [called] = await sql<{ run: string }[]>`call reco.refresh(null)`;
  const [row] = await sql<{ rows_in: string | null; error: string | null }[]>`
    select rows_in, error from quality.run where run_id = ${called?.run ?? null}`;
  if (row === undefined || row.error !== null) {
    throw new DbadminError('query-failed', `refreshing the recommender failed: ${row?.error ?? 'no run was recorded'}`, {
      detail: `Run ${called?.run ?? '?'} of reco.refresh in quality.run says the same. Its work was undone.`,
    });
  }
  return Number(row.rows_in);
}
