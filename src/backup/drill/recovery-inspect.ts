import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type postgres from 'postgres';
import { DbadminError } from '../../base/errors.ts';
import { formatLsn } from '../../postgres/lsn.ts';
import { parseMoment } from '../../postgres/moment.ts';
import { TAKES_CONNECTIONS_SQL } from '../../postgres/open-database.ts';
import { historyName } from '../../postgres/segment.ts';
import { parseTimelineHistory } from '../../postgres/timeline.ts';
import type { DrillReached } from './report.ts';

/**
 * How a clone stands: asked from the server itself, never concluded from what was configured. `xid` is the transaction whose
 * commit has to be there; the time of the last replayed one does not tell, since a server that stops at a position does not count
 * the record it stopped at.
 */
export async function inspectRecovery(sql: postgres.Sql, dataDirectory: string, xid: string | undefined): Promise<DrillReached> {
  const [row] = await sql<{ recovering: boolean; replayed: string | null; last: string | null; timeline: number; next: string }[]>`
    select pg_is_in_recovery() as recovering, pg_last_wal_replay_lsn()::text as replayed,
           to_json(pg_last_xact_replay_timestamp()) as last, (select timeline_id from pg_control_checkpoint()) as timeline,
           pg_snapshot_xmax(pg_current_snapshot())::text as next`;
  if (row === undefined) throw new DbadminError('query-failed', 'the clone did not say how it stands');
  const rest = {
    lastTransactionAt: parseMoment(row.last)?.toISOString() ?? null,
    lastCommit: xid === undefined ? null : await statusOf(sql, fullXid(BigInt(xid), BigInt(row.next))),
  };
  if (row.recovering) return { state: 'paused', lsn: row.replayed ?? '0/0', timeline: row.timeline, ...rest };
  return { state: 'open', ...(await openedAt(sql, dataDirectory)), ...rest };
}

/** A transaction id of the WAL with its epoch: one that is not in the future of `next`. */
export function fullXid(xid: bigint, next: bigint): bigint {
  const epoch = next >> 32n;
  const sameEpoch = (epoch << 32n) | xid;
  return sameEpoch < next || epoch === 0n ? sameEpoch : sameEpoch - (1n << 32n);
}

async function statusOf(sql: postgres.Sql, xid: bigint): Promise<DrillReached['lastCommit']> {
  try {
    const [row] = await sql<{ status: string | null }[]>`select pg_xact_status(${xid.toString()}::text::xid8) as status`;
    return row?.status === 'committed' ? 'committed' : row?.status === null ? 'forgotten' : 'absent';
  } catch {
    // "transaction ID … is in the future": it was not replayed.
    return 'absent';
  }
}

/** Where replay ended before the clone took writes: its own timeline's history says so. */
async function openedAt(sql: postgres.Sql, dataDirectory: string): Promise<{ readonly lsn: string; readonly timeline: number }> {
  const [row] = await sql<{ file: string }[]>`select pg_walfile_name(pg_current_wal_lsn()) as file`;
  const timeline = Number.parseInt((row?.file ?? '').slice(0, 8), 16);
  const history = parseTimelineHistory(await readFile(path.join(dataDirectory, 'pg_wal', historyName(timeline)), 'utf8'));
  const last = history.at(-1);
  if (last === undefined) throw new DbadminError('query-failed', `the history of timeline ${timeline} in the clone is empty`);
  return { lsn: formatLsn(last.switchLsn), timeline };
}

/** Makes a paused clone take writes. */
export async function promote(sql: postgres.Sql, timeoutSeconds: number): Promise<void> {
  const [row] = await sql<{ done: boolean }[]>`select pg_promote(true, ${timeoutSeconds}) as done`;
  if (row?.done === true) return;
  throw new DbadminError('restore-failed', `the clone did not take writes within ${timeoutSeconds} s of being promoted`);
}

/** The databases that take connections. */
export async function listDatabases(sql: postgres.Sql): Promise<readonly string[]> {
  const rows = await sql<{ name: string }[]>`
    select datname as name from pg_catalog.pg_database d where ${sql.unsafe(TAKES_CONNECTIONS_SQL)} order by datname`;
  return rows.map(({ name }) => name);
}
