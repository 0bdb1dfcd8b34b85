import { DbadminError } from '../base/errors.ts';

const MAGIC = 0x0059_2717;

/** OID of the system catalogs that a relation map or the find of tables needs; the same in every release. */
export const CATALOG = { class: 1259, database: 1262, inherits: 2611, namespace: 2615 } as const;

/**
 * Which file each mapped catalog is in: `pg_filenode.map`, or the copy of it that the WAL has after a change. The catalogs
 * needed to find the catalogs cannot have their file number in pg_class.
 *
 * @throws {DbadminError} `wal-invalid` when it is none.
 * @see https://github.com/postgres/postgres/blob/REL_18_STABLE/src/backend/utils/cache/relmapper.c
 */
export function parseRelationMap(bytes: Buffer): ReadonlyMap<number, number> {
  const count = bytes.length < 8 ? -1 : bytes.readInt32LE(4);
  if (bytes.length < 8 || bytes.readInt32LE(0) !== MAGIC || count < 0 || bytes.length < 8 + count * 8) {
    throw new DbadminError('wal-invalid', 'what should be a relation map is none');
  }
  const map = new Map<number, number>();
  for (let index = 0; index < count; index += 1) map.set(bytes.readUInt32LE(8 + index * 8), bytes.readUInt32LE(12 + index * 8));
  return map;
}
