import { DbadminError } from '../base/errors.ts';
import { openClient } from './client.ts';
import { parseLsn } from './lsn.ts';
import { quoteIdentifier } from './quote.ts';
import type { ReplicationConnection } from './replication.ts';
import { parseTimelineHistory, timelineOfLsn } from './timeline.ts';

export interface CreateSlotOptions {
  /** Whether WAL is held from now on; without it, from the first connection that uses the slot. */
  readonly reserveWal: boolean;
  /** Whether the slot goes with this connection. */
  readonly temporary?: boolean;
}

export interface SlotPosition {
  /** Somewhere inside a segment; the server keeps that segment whole. */
  readonly restartLsn: bigint;
  readonly restartTimeline: number;
}

export async function createPhysicalSlot(connection: ReplicationConnection, name: string, options: CreateSlotOptions): Promise<void> {
  const temporary = options.temporary === true ? ' TEMPORARY' : '';
  const reserve = !options.reserveWal ? '' : connection.serverMajor >= 15 ? ' (RESERVE_WAL)' : ' RESERVE_WAL';
  try {
    await connection.query(`CREATE_REPLICATION_SLOT ${quoteIdentifier(name)}${temporary} PHYSICAL${reserve}`);
  } catch (error) {
    throw connection.failure(`cannot create replication slot ${name}`, error);
  }
}

export async function dropSlot(connection: ReplicationConnection, name: string): Promise<void> {
  try {
    await connection.query(`DROP_REPLICATION_SLOT ${quoteIdentifier(name)}`);
  } catch (error) {
    throw connection.failure(`cannot drop replication slot ${name}`, error);
  }
}

export async function readSlot(connection: ReplicationConnection, name: string): Promise<SlotPosition | undefined> {
  if (connection.serverMajor < 15) return await readSlotBySql(connection, name);
  let row: readonly (string | undefined)[] | undefined;
  try {
    [row] = (await connection.query(`READ_REPLICATION_SLOT ${quoteIdentifier(name)}`))[0]?.rows ?? [];
  } catch (error) {
    throw connection.failure(`cannot read replication slot ${name}`, error);
  }
  if (row?.[1] === undefined) return undefined;
  return { restartLsn: parseLsn(row[1]), restartTimeline: Number(row[2]) };
}

/** PostgreSQL 14 has no command for it, and its physical replication connections run no SQL: an ordinary one is opened. */
async function readSlotBySql(connection: ReplicationConnection, name: string): Promise<SlotPosition | undefined> {
  const sql = await openClient(connection.parameters);
  let rows: readonly { readonly lsn: string | null; readonly kind: string }[];
  try {
    rows = await sql`select restart_lsn::text as lsn, slot_type as kind from pg_replication_slots where slot_name = ${name}`;
  } finally {
    await sql.end({ timeout: 1 });
  }
  // As the command of 15 and later refuses it: without a position it would be taken for a slot of ours that lost its WAL.
  if (rows[0]?.kind === 'logical') {
    throw new DbadminError('query-failed', `cannot read replication slot ${name}`, { detail: 'It is a logical replication slot.' });
  }
  const lsn = rows[0]?.lsn;
  if (lsn === undefined || lsn === null) return undefined;
  const restartLsn = parseLsn(lsn);
  const { timeline } = await connection.identifySystem();
  const history =
    timeline === 1 ? [] : parseTimelineHistory(Buffer.from((await connection.timelineHistory(timeline)).content).toString('utf8'));
  return { restartLsn, restartTimeline: timelineOfLsn(timeline, history, restartLsn) };
}
