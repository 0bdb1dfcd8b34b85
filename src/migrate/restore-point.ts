import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import { quoteIdentifier } from '../postgres/quote.ts';
import type { ServerFacts } from './session/inspect-server.ts';
import type { Queryable } from './session/session.ts';

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

/**
 * Sets the restore point, and switches to the next WAL segment so that an archive gets this one. A role that may not switch
 * leaves that out: a receiver that streams has the point all the same, and an archive gets it with the full segment.
 */
export async function setRestorePoint(session: Queryable, name: string, maySwitchWal: boolean): Promise<RestorePoint> {
  const [row] = await session.query<{ lsn: string; timeline: number }>(
    // The name of the segment tells the timeline; the control file's may be that of before a promotion.
    `select lsn::text, ('x' || left(pg_catalog.pg_walfile_name(lsn), 8))::bit(32)::integer as timeline
     from pg_catalog.pg_create_restore_point($1) as point(lsn)`,
    [name],
  );
  if (maySwitchWal) await session.query('select pg_catalog.pg_switch_wal()');
  return { name, lsn: row?.lsn ?? '0/0', timeline: row?.timeline ?? 1 };
}

/** Why no restore point can be set here, or undefined when one can. */
export function restorePointObstacle(server: Pick<ServerFacts, 'walLevel' | 'user' | 'maySetRestorePoint'>): string | undefined {
  if (server.walLevel === 'minimal') return 'no restore point: wal_level is minimal';
  if (server.maySetRestorePoint) return undefined;
  return `no restore point: ${server.user} may not call pg_create_restore_point: GRANT EXECUTE ON FUNCTION pg_create_restore_point(text), pg_switch_wal() TO ${quoteIdentifier(server.user)} allows it`;
}

/** Whether a restore point can be restored to from the repositories. */
export interface Archival {
  /** Every repository that must have the WAL has it up to the point, and a backup before it. */
  readonly archived: boolean;
  /** The repositories that it can be restored from. */
  readonly repositories: readonly string[];
  /** Why not, one sentence for each repository that lacks it. */
  readonly reasons: readonly string[];
}

/** Resolves with what became of the point, or with undefined when there is no repository to ask. */
export type AwaitArchived = (point: RestorePoint) => Promise<Archival | undefined>;

/** The moment before a run. */
export interface MarkedMoment extends RestorePoint {
  /** Undefined: nobody looked. */
  readonly archived: boolean | undefined;
  readonly repositories: readonly string[];
  readonly reasons: readonly string[];
}

export interface MarkOptions {
  /** False: set none, also where it could be. */
  readonly wantsRestorePoint: boolean;
  readonly awaitArchived?: AwaitArchived;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Sets a restore point for the moment before a run and waits until it can be restored to, or says that it cannot be yet.
 * Undefined where none is wanted or none can be set, which is said. `label` is the first version of the run.
 */
export async function markMoment(
  session: Queryable,
  server: ServerFacts,
  label: string | undefined,
  { wantsRestorePoint, awaitArchived, clock, log }: MarkOptions,
): Promise<MarkedMoment | undefined> {
  if (!wantsRestorePoint) return undefined;
  const obstacle = restorePointObstacle(server);
  if (obstacle !== undefined) {
    log.info(obstacle);
    return undefined;
  }
  const point = await setRestorePoint(session, restorePointName(clock.now(), label), server.maySwitchWal);
  const archival = await awaitArchived?.(point);
  if (archival?.archived === false) log.warn(`restore point ${point.name} is not recoverable yet: ${archival.reasons.join('; ')}`);
  return { ...point, archived: archival?.archived, repositories: archival?.repositories ?? [], reasons: archival?.reasons ?? [] };
}
