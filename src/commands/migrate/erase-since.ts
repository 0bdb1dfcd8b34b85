import { applyReconcile } from '../../backup/reconcile/apply.ts';
import { describeEntry, notErased } from '../../backup/reconcile/describe.ts';
import { restoredPosition } from '../../backup/reconcile/position.ts';
import { returningWith, returningWithTables } from '../../backup/reconcile/returning.ts';
import type { Preflight } from '../../backup/restore/inspect.ts';
import { isDbadminError } from '../../base/errors.ts';
import type { ConnectionParameters } from '../../postgres/parameters.ts';
import { readLedger } from '../../repository/ledger.ts';
import type { CommandContext } from '../command.ts';
import { returningByAll, type RestoredFrom } from '../restore/other-ledgers.ts';

/**
 * Erases again in a clone who was erased from `database` since its moment, before anything is copied out of it. What cannot be erased
 * there, such as by a procedure that is newer than the moment, is warned of: what was lost comes back all the same.
 */
export async function eraseSince(
  context: CommandContext,
  { config, cluster, repository }: Omit<RestoredFrom, 'opened' | 'systemIdentifier'>,
  superuser: ConnectionParameters,
  preflight: Preflight,
  database: string,
): Promise<void> {
  const { output } = context;
  const { systemIdentifier } = preflight.contents.cluster;
  const { entries, damaged } = await readLedger(preflight.repository, systemIdentifier);
  for (const { key } of damaged) output.warn(`whom ${key} erased, if anybody, cannot be read: they may come back with what is rescued`);
  const from = { config, cluster, repository, opened: preflight.repository, systemIdentifier };
  const { returning } = await returningByAll(context, from, entries, (all) =>
    returningWithTables(database, returningWith(restoredPosition(preflight), all)),
  );
  for (const entry of returning) {
    try {
      const [done] = await applyReconcile(superuser, [entry]);
      if (done?.outcome === 'undone') output.line(`erased again in the clone, before anything is copied: ${describeEntry(entry)}`);
      else output.warn(notErased(entry));
    } catch (error) {
      if (!isDbadminError(error, 'not-converged')) throw error;
      output.warn(
        `${describeEntry(entry)} may come back with what is rescued: ${error.detail ?? error.message} Take their rows out of it before you put anything back.`,
      );
    }
  }
}
