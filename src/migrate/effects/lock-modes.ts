/** The lock modes of tables, weakest first, without the word Lock that `pg_locks` puts behind each. */
export const LOCK_MODES = [
  'AccessShare',
  'RowShare',
  'RowExclusive',
  'ShareUpdateExclusive',
  'Share',
  'ShareRowExclusive',
  'Exclusive',
  'AccessExclusive',
] as const;

export type LockMode = (typeof LOCK_MODES)[number];

/** Who waits while a lock is held. `ddl` stands for VACUUM, ANALYZE and other changes of the same table, which applications seldom run. */
export type Blocked = 'reads+writes' | 'writes' | 'nothing';

/** 1 for AccessShare to 8 for AccessExclusive, the numbers of PostgreSQL's own `lockdefs.h`. */
export function lockLevel(mode: LockMode): number {
  return LOCK_MODES.indexOf(mode) + 1;
}

/** The mode of a level, as `LOCK TABLE` has it in its parse tree; AccessExclusive for a number out of range. */
export function lockOfLevel(level: number): LockMode {
  return LOCK_MODES[level - 1] ?? 'AccessExclusive';
}

/** `AccessExclusive` of `AccessExclusiveLock`; undefined for what is no mode of a table. */
export function lockModeOf(name: string): LockMode | undefined {
  return LOCK_MODES.find((mode) => `${mode}Lock` === name);
}

/** The stronger of two: that with the higher level. Share and ShareUpdateExclusive each block what the other lets through. */
export function stronger(a: LockMode, b: LockMode): LockMode {
  return lockLevel(a) >= lockLevel(b) ? a : b;
}

/** Whether one session waits for the other. */
export function conflicts(a: LockMode, b: LockMode): boolean {
  return CONFLICTS[a].includes(b);
}

/**
 * Which statements of an application wait while the lock is held. `writes` are INSERT, UPDATE, DELETE and MERGE;
 * Exclusive also stops SELECT … FOR UPDATE. Modes up to ShareUpdateExclusive stop other DDL and VACUUM at most.
 *
 * @see https://www.postgresql.org/docs/current/explicit-locking.html
 */
export function blockedBy(mode: LockMode): Blocked {
  if (conflicts(mode, 'AccessShare')) return 'reads+writes';
  return conflicts(mode, 'RowExclusive') ? 'writes' : 'nothing';
}

const CONFLICTS: Readonly<Record<LockMode, readonly LockMode[]>> = {
  AccessShare: ['AccessExclusive'],
  RowShare: ['Exclusive', 'AccessExclusive'],
  RowExclusive: ['Share', 'ShareRowExclusive', 'Exclusive', 'AccessExclusive'],
  ShareUpdateExclusive: ['ShareUpdateExclusive', 'Share', 'ShareRowExclusive', 'Exclusive', 'AccessExclusive'],
  Share: ['RowExclusive', 'ShareUpdateExclusive', 'ShareRowExclusive', 'Exclusive', 'AccessExclusive'],
  ShareRowExclusive: ['RowExclusive', 'ShareUpdateExclusive', 'Share', 'ShareRowExclusive', 'Exclusive', 'AccessExclusive'],
  Exclusive: ['RowShare', 'RowExclusive', 'ShareUpdateExclusive', 'Share', 'ShareRowExclusive', 'Exclusive', 'AccessExclusive'],
  AccessExclusive: LOCK_MODES,
};
