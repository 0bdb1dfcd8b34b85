import type postgres from 'postgres';
import { messageOf } from '../../base/errors.ts';

/** What became of the marts after a load. What was loaded stays in core in any case. */
export type MartsOutcome =
  | { readonly status: 'refreshed'; readonly plays: number; readonly tookMs: number }
  /** Nobody wanted it, or this warehouse has none. */
  | { readonly status: 'skipped' }
  | { readonly status: 'failed'; readonly reason: string };

/** Brings the marts up to date with core: only what changed since is written. Does not throw for what the server refuses. */
export async function refreshMarts(sql: postgres.Sql): Promise<MartsOutcome> {
  try {
    const [there] = await sql`select where to_regprocedure('mart.refresh(bigint)') is not null`;
    if (there === undefined) return { status: 'skipped' };
    const [called] = await sql<{ run: string }[]>`call mart.refresh(null)`;
    const [run] = await sql<{ error: string | null; plays: string | null; took_ms: number | null }[]>`
      select error, rows_in as plays, (extract(epoch from finished_at - started_at) * 1000)::float8 as took_ms
      from quality.run where run_id = ${called?.run ?? null}`;
    if (run === undefined) return { status: 'failed', reason: 'no run was recorded' };
    if (run.error !== null) return { status: 'failed', reason: run.error };
    return { status: 'refreshed', plays: Number(run.plays), tookMs: run.took_ms ?? 0 };
  } catch (error) {
    return { status: 'failed', reason: messageOf(error) };
  }
}
