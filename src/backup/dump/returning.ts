import type { Deed } from '../../repository/ledger-deed.ts';
import type { LedgerEntry } from '../../repository/ledger.ts';
import type { DumpManifest } from './manifest.ts';

/** What of a dump is restored. */
export interface DumpChoice {
  readonly databases: readonly string[];
  readonly globals: boolean;
}

/**
 * The entries of the ledger whose deed a dump may not hold, oldest first: what they took away comes back with it. A deed that was
 * written down while the dump was taken counts as one of them. Roles come back with globals only, and those never with a password.
 */
export function returningWithDump(
  { startedAt }: Pick<DumpManifest, 'startedAt'>,
  choice: DumpChoice,
  ledger: readonly LedgerEntry[],
): readonly LedgerEntry[] {
  const from = Date.parse(startedAt);
  return ledger.filter(({ at, deed }) => at.getTime() >= from && comesBack(deed, choice));
}

function comesBack(deed: Deed, { databases, globals }: DumpChoice): boolean {
  switch (deed.kind) {
    case 'role-dropped':
    case 'role-disabled':
    case 'membership-revoked':
      return globals;
    case 'privilege-revoked':
    case 'subject-forgotten':
    case 'migration-applied':
    case 'migration-undone':
      return databases.includes(deed.database);
    case 'password-rotated':
      return false;
  }
}
