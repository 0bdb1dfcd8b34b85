import { decodePath } from '../base/path-bytes.ts';
import { RESOURCE_MANAGER } from './resource-managers.ts';
import { recordParts } from './wal-blocks.ts';
import type { WalRecord } from './wal-reader.ts';

/** A CREATE TABLESPACE in WAL. */
export interface MadeTablespace {
  /** Where the record begins. */
  readonly lsn: bigint;
  readonly oid: number;
  /** Absolute, of the machine where the command ran, as path-bytes.ts gives it; empty for one in the data directory itself (`allow_in_place_tablespaces`). */
  readonly location: string;
}

const XLOG_TBLSPC_CREATE = 0x00;

/** Whether a record of this manager and kind makes a tablespace. */
export function makesTablespace(manager: number, info: number): boolean {
  return manager === RESOURCE_MANAGER.tablespace && info === XLOG_TBLSPC_CREATE;
}

/**
 * The tablespace that a record makes, or undefined when it makes none.
 *
 * @see xl_tblspc_create_rec in src/include/commands/tablespace.h of PostgreSQL
 */
export function tablespaceMadeBy(record: WalRecord, major: number): MadeTablespace | undefined {
  if (!makesTablespace(record.manager, record.info)) return undefined;
  const { mainData } = recordParts(record.bytes, major);
  const zero = mainData.indexOf(0, 4);
  const location = decodePath(mainData.subarray(4, zero < 0 ? mainData.length : zero));
  return { lsn: record.lsn, oid: mainData.readUInt32LE(0), location };
}
