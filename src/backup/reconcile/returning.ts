import { isAncestorPosition } from '../../postgres/timeline.ts';
import type { Deed } from '../../repository/ledger-deed.ts';
import type { LedgerEntry } from '../../repository/ledger.ts';
import type { Lineage } from '../restore/recover-along.ts';

/** Where a restored cluster will stand. */
export interface RestoredPosition {
  readonly lineage: Lineage;
  /** Everything up to here is in it; WAL from here on is not. */
  readonly untilLsn: bigint;
}

/**
 * The entries whose deed a restored cluster does not hold, oldest first: what they took away comes back with it.
 *
 * A deed on a timeline that the restore does not go along counts as not held, whatever its position. A migration that was applied
 * and undone after the restored position is neither missing nor back.
 */
export function returningWith({ lineage, untilLsn }: RestoredPosition, ledger: readonly LedgerEntry[]): readonly LedgerEntry[] {
  return withoutUndone(
    ledger.filter(({ timeline, lsn }) => !(lsn <= untilLsn && isAncestorPosition(lineage.timeline, lineage.history, timeline, lsn))),
  );
}

/**
 * Those of `returning` whose deed tables of `database` bring back when they are restored alone: the people who were erased there. Roles,
 * passwords and privileges do not come with tables.
 */
export function returningWithTables(database: string, returning: readonly LedgerEntry[]): readonly LedgerEntry[] {
  return returning.filter((entry) => isErasure(entry) && entry.deed.database === database);
}

/**
 * The people of `returning` who were erased in a database that the restored cluster, with `databases`, has not got by that name: one of those
 * may have been renamed to it since, and whoever restores its tables under the older name gets them back.
 */
export function returningIfRenamed(databases: readonly string[], returning: readonly LedgerEntry[]): readonly LedgerEntry[] {
  return returning.filter((entry) => isErasure(entry) && !databases.includes(entry.deed.database));
}

export function isErasure<Entry extends Pick<LedgerEntry, 'deed'>>(
  entry: Entry,
): entry is Entry & { readonly deed: Extract<Deed, { readonly kind: 'subject-forgotten' }> } {
  return entry.deed.kind === 'subject-forgotten';
}

function withoutUndone(entries: readonly LedgerEntry[]): readonly LedgerEntry[] {
  const applied = new Map<string, LedgerEntry>();
  const left = new Set(entries);
  for (const entry of entries) {
    const { deed } = entry;
    if (deed.kind !== 'migration-applied' && deed.kind !== 'migration-undone') continue;
    const key = JSON.stringify([deed.database, deed.version]);
    const before = applied.get(key);
    if (deed.kind === 'migration-applied') applied.set(key, entry);
    else if (before !== undefined) {
      left.delete(before);
      left.delete(entry);
      applied.delete(key);
    }
  }
  return [...left];
}

/**
 * The entries that have to be acted on: of several passwords of a role only the last one, and none of a role dropped
 * after; the others in their order.
 */
export function withoutOvertaken(entries: readonly LedgerEntry[]): readonly LedgerEntry[] {
  return entries.filter(
    ({ deed }, index) =>
      deed.kind !== 'password-rotated' ||
      !entries.slice(index + 1).some(({ deed: later }) => endsPassword(later) && 'role' in later && later.role === deed.role),
  );
}

function endsPassword({ kind }: Deed): boolean {
  return kind === 'password-rotated' || kind === 'role-dropped';
}

const GIVEN_BY_MIGRATIONS: ReadonlySet<Deed['kind']> = new Set([
  'role-dropped',
  'role-disabled',
  'membership-revoked',
  'privilege-revoked',
]);

/** The entries whose deed a migration of `entries`, oldest first, came after: it may have given back on purpose what they took away. */
export function olderThanMigrations(entries: readonly LedgerEntry[]): readonly LedgerEntry[] {
  const last = entries.findLastIndex(({ deed }) => deed.kind === 'migration-applied');
  return entries.filter(({ deed }, index) => index < last && GIVEN_BY_MIGRATIONS.has(deed.kind));
}
