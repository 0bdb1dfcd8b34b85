import { formatDuration } from '../../base/durations.ts';

/** A lock on a table that others could have waited for. */
export interface HeldLock {
  /** `core.play`, unquoted. */
  readonly relation: string;
  /** As `pg_locks` has it: `AccessExclusiveLock`. */
  readonly mode: string;
  /** From when it was seen to be held to the end of what held it; at most about {@link SAMPLE_EVERY_MS} too much. Absent in rows of the history's first form. */
  readonly heldMs?: number;
}

/** Between two statements that end sooner nobody asks which locks are held: the question would cost more than the statement. */
export const SAMPLE_EVERY_MS = 50;

/** Since when the locks of a transaction are held, as far as it was asked. */
export class LockTimes {
  /** By relation and mode: the moment from which the lock counts as held. */
  readonly #sinceMs = new Map<string, number>();
  #sampledMs: number;

  constructor(nowMs: number) {
    this.#sampledMs = nowMs;
  }

  /** Whether it is time to ask again. */
  isDue(nowMs: number): boolean {
    return nowMs - this.#sampledMs >= SAMPLE_EVERY_MS;
  }

  /**
   * Notes what is held at `nowMs`. What was not held before came at some time since the last question, and not before
   * `waitedUntilMs`, when it was last seen to be waited for.
   */
  note(held: readonly { readonly relation: string; readonly mode: string }[], nowMs: number, waits: ReadonlyMap<string, number>): void {
    for (const { relation, mode } of held) {
      const key = lockKey(relation, mode);
      if (!this.#sinceMs.has(key)) this.#sinceMs.set(key, Math.max(this.#sampledMs, waits.get(key) ?? 0));
    }
    this.#sampledMs = nowMs;
  }

  /** For the question that is asked last: how long each known lock is held, and how long one that is not known is at most. */
  spans(
    nowMs: number,
    waits: ReadonlyMap<string, number>,
  ): { readonly knownMs: Readonly<Record<string, number>>; readonly otherMs: number } {
    const known = [...waits].map(([key, untilMs]): [string, number] => [key, Math.max(untilMs, this.#sampledMs)]);
    const since = new Map([...known, ...this.#sinceMs]);
    return {
      knownMs: Object.fromEntries([...since].map(([key, sinceMs]) => [key, Math.max(0, Math.round(nowMs - sinceMs))])),
      otherMs: Math.max(0, Math.round(nowMs - this.#sampledMs)),
    };
  }
}

/** Of several spans of the same lock the longest. */
export function longestLocks(locks: readonly HeldLock[]): readonly HeldLock[] {
  const longest = new Map<string, HeldLock>();
  for (const lock of locks) {
    const key = lockKey(lock.relation, lock.mode);
    if ((longest.get(key)?.heldMs ?? -1) < (lock.heldMs ?? 0)) longest.set(key, lock);
  }
  return [...longest.values()];
}

export function lockKey(relation: string, mode: string): string {
  return `${relation} ${mode}`;
}

/**
 * What the asking transaction holds on tables and materialized views; those that it made itself are left out, since nobody can
 * wait for them. `$n` is the schema of the history; `mine` has the asking session's rows of `pg_locks`, where somebody has read
 * them already. A table's own system columns are as old as the table.
 */
export function heldLocksSql(schemaParameter: string, mine = MINE): string {
  return `
  select distinct n.nspname::text || '.' || c.relname::text as relation, l.mode
  from ${mine} l
  join pg_catalog.pg_class c on c.oid = l.relation
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum = -1
  where l.locktype = 'relation' and l.granted and c.relkind in ('r', 'p', 'm')
    and l.database = (select oid from pg_catalog.pg_database where datname = pg_catalog.current_database())
    and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast', ${schemaParameter})
    and pg_catalog.age(a.xmin) > 0`;
}

const MINE = '(select * from pg_catalog.pg_locks where pid = pg_catalog.pg_backend_pid())';

/** Modes that keep others from reading or writing, the strongest first. */
const BLOCKING = ['AccessExclusiveLock', 'ExclusiveLock', 'ShareRowExclusiveLock', 'ShareLock'];
const SHOWN = 3;

/** `AccessExclusive on core.play 8.1 s, Share on core.listener 20 ms`; undefined when nobody could have been kept from reading or writing. */
export function describeHeldLocks(locks: readonly HeldLock[]): string | undefined {
  const blocking = locks
    .filter(({ mode }) => BLOCKING.includes(mode))
    .sort((a, b) => BLOCKING.indexOf(a.mode) - BLOCKING.indexOf(b.mode) || (b.heldMs ?? 0) - (a.heldMs ?? 0));
  if (blocking.length === 0) return undefined;
  const shown = blocking.slice(0, SHOWN).map(({ relation, mode, heldMs }) => {
    const span = heldMs === undefined ? '' : ` ${formatDuration(heldMs)}`;
    return `${mode.replace(/Lock$/, '')} on ${relation}${span}`;
  });
  return [...shown, ...(blocking.length > SHOWN ? [`${blocking.length - SHOWN} more`] : [])].join(', ');
}
