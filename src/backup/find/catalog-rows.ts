import type { HeapTuple } from '../../postgres/heap-tuple.ts';

/** What is read of a row of pg_class. */
export interface ClassRow {
  readonly oid: number;
  readonly name: string;
  readonly namespace: number;
  /** The number of its file; 0 for mapped catalogs and for what has no storage. */
  readonly file: number;
  readonly tablespace: number;
  /** `r` table, `p` partitioned table, `m` materialized view, `i` index and so on. */
  readonly kind: string;
}

const NAME_BYTES = 64;

/** @see src/include/catalog/pg_class.h of PostgreSQL: everything read here is of fixed width and never null */
export function classRow(tuple: HeapTuple, major: number): ClassRow | undefined {
  const at = tuple.dataOffset;
  // 18 put relallfrozen before it.
  const kindAt = at + (major >= 18 ? 119 : 115);
  const { bytes } = tuple;
  if (bytes.length <= kindAt) return undefined;
  return {
    oid: bytes.readUInt32LE(at),
    name: nameAt(bytes, at + 4),
    namespace: bytes.readUInt32LE(at + 68),
    file: bytes.readUInt32LE(at + 88),
    tablespace: bytes.readUInt32LE(at + 92),
    kind: bytes.toString('latin1', kindAt, kindAt + 1),
  };
}

/** OID and name: how rows of pg_namespace and pg_database begin. */
export function namedRow({ bytes, dataOffset }: HeapTuple): { readonly oid: number; readonly name: string } | undefined {
  if (bytes.length < dataOffset + 4 + NAME_BYTES) return undefined;
  return { oid: bytes.readUInt32LE(dataOffset), name: nameAt(bytes, dataOffset + 4) };
}

const INVALID_DATABASE = -2;

/**
 * Whether a row of pg_database says that its drop was begun and never finished: nobody can connect.
 *
 * @see src/include/catalog/pg_database.h of PostgreSQL: up to 14 its collation and type were names before the limit of connections
 */
export function isInvalidDatabase({ bytes, dataOffset }: HeapTuple, major: number): boolean {
  const at = dataOffset + (major >= 15 ? 80 : 208);
  return bytes.length >= at + 4 && bytes.readInt32LE(at) === INVALID_DATABASE;
}

/** A row of pg_inherits, which 14 gave its last column; undefined for a partition whose DETACH CONCURRENTLY has begun: nobody reads it any more. */
export function inheritsRow({ bytes, dataOffset }: HeapTuple): { readonly child: number; readonly parent: number } | undefined {
  if (bytes.length < dataOffset + 13 || bytes.readUInt8(dataOffset + 12) !== 0) return undefined;
  return { child: bytes.readUInt32LE(dataOffset), parent: bytes.readUInt32LE(dataOffset + 4) };
}

function nameAt(bytes: Buffer, at: number): string {
  const zero = bytes.indexOf(0, at);
  return bytes.toString('utf8', at, zero < 0 || zero > at + NAME_BYTES ? at + NAME_BYTES : zero);
}
