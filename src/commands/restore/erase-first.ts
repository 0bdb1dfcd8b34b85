import { DbadminError, isDbadminError } from '../../base/errors.ts';
import { applyReconcile, type Reconciled } from '../../backup/reconcile/apply.ts';
import type { ConnectionParameters } from '../../postgres/parameters.ts';
import type { LedgerEntry } from '../../repository/ledger.ts';

/**
 * Erases people again in a throw-away cluster, before anything is copied out of it.
 *
 * @throws {DbadminError} `not-converged` at the first one that the procedure there cannot erase.
 */
export async function eraseFirst(superuser: ConnectionParameters, erasures: readonly LedgerEntry[]): Promise<readonly Reconciled[]> {
  try {
    return await applyReconcile(superuser, erasures);
  } catch (error) {
    if (!isDbadminError(error, 'not-converged')) throw error;
    throw new DbadminError('not-converged', error.message, {
      detail: `${error.detail ?? ''}\nNothing was copied.`.trim(),
      hint: 'The procedure may be newer than the moment. Restore a clone with --into, --reconcile and --replay-migrations and copy out of that; or restore the tables without --reconcile and take these people out of them by hand before anyone uses them.',
      cause: error,
    });
  }
}
