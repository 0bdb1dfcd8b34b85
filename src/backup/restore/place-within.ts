const TABLESPACE = /^pg_tblspc\/\d+(?=\/)/;

/** Which part of a data directory a path in it belongs to, of those that may be on a disk of their own: `pg_wal`, `pg_tblspc/16385`, or `` for the rest. */
export function placeWithin(relative: string): string {
  if (relative.startsWith('pg_wal/')) return 'pg_wal';
  return TABLESPACE.exec(relative)?.[0] ?? '';
}
