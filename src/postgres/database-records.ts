import { RESOURCE_MANAGER } from './resource-managers.ts';
import { recordParts } from './wal-blocks.ts';
import type { WalRecord } from './wal-reader.ts';

/** The files of a database: in one tablespace, or in several while it goes from one to the other. */
export interface DatabaseDirectory {
  readonly database: number;
  readonly tablespace: number;
}

/** What WAL says of a database's files as a whole. */
export type DatabaseRecord =
  /** Replay copies what lies in `source`, into a directory that it empties first; so is a database moved, before its old files are dropped. */
  | { readonly kind: 'copied'; readonly directory: DatabaseDirectory; readonly source: DatabaseDirectory }
  /** Made without a copy: what is in it is logged as well. */
  | { readonly kind: 'made'; readonly directory: DatabaseDirectory }
  | { readonly kind: 'dropped'; readonly directories: readonly DatabaseDirectory[] };

const OPERATION = 0x70;

const MADE = 0x10;

/** The operation that ends a database. Before 15 the copying of files was the only way to make one, and this the next number. */
export const databaseDrop = (major: number): number => (major >= 15 ? 0x20 : 0x10);

/**
 * What a record says of databases, or undefined when it is of another kind.
 *
 * @see src/include/commands/dbcommands_xlog.h of PostgreSQL
 */
export function databaseRecord({ manager, info, bytes }: WalRecord, major: number): DatabaseRecord | undefined {
  if (manager !== RESOURCE_MANAGER.database) return undefined;
  const { mainData } = recordParts(bytes, major);
  const database = mainData.readUInt32LE(0);
  const operation = info & OPERATION;
  if (operation === databaseDrop(major)) {
    const count = mainData.readInt32LE(4);
    const tablespaces = Array.from({ length: count }, (_, index) => mainData.readUInt32LE(8 + index * 4));
    return { kind: 'dropped', directories: tablespaces.map((tablespace) => ({ database, tablespace })) };
  }
  const directory = { database, tablespace: mainData.readUInt32LE(4) };
  if (operation === MADE) return { kind: 'made', directory };
  if (operation !== 0) return undefined;
  return { kind: 'copied', directory, source: { database: mainData.readUInt32LE(8), tablespace: mainData.readUInt32LE(12) } };
}
