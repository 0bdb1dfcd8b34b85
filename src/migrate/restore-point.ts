import type { Queryable } from './session.ts';

/** A name set in the WAL at which recovery can stop. */
export interface RestorePoint {
  readonly name: string;
  /** `16/B374D848`. */
  readonly lsn: string;
  readonly timeline: number;
}

/** `dbadmin_20261121T101502Z_20261121T093000`: when, and the first version of the run. At most 63 characters. */
export function restorePointName(now: Date, version: string | undefined): string {
  const moment = now.toISOString().slice(0, 19).replaceAll(/[-:]/g, '');
  return `dbadmin_${moment}Z_${version ?? 'routines'}`.slice(0, 63);
}

/** Sets the restore point, and switches to the next WAL segment so that the archive gets this one. */
export async function setRestorePoint(session: Queryable, name: string): Promise<RestorePoint> {
  const [row] = await session.query<{ lsn: string; timeline: number }>(
    `select pg_catalog.pg_create_restore_point($1)::text as lsn, (select timeline_id from pg_catalog.pg_control_checkpoint()) as timeline`,
    [name],
  );
  await session.query('select pg_catalog.pg_switch_wal()');
  return { name, lsn: row?.lsn ?? '0/0', timeline: row?.timeline ?? 1 };
}

/** Why no restore point can be set here, or undefined when one can. */
export function restorePointObstacle(server: {
  readonly walLevel: string;
  readonly user: string;
  readonly maySetRestorePoint: boolean;
}): string | undefined {
  if (server.walLevel === 'minimal') return 'no restore point: wal_level is minimal';
  if (server.maySetRestorePoint) return undefined;
  return `no restore point: ${server.user} may not call pg_create_restore_point and pg_switch_wal: GRANT EXECUTE ON FUNCTION pg_create_restore_point(text), pg_switch_wal() TO ${server.user} allows both`;
}
