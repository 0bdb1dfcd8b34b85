import { findCluster } from '../../backup/lineage-inspect.ts';
import { DbadminError } from '../../base/errors.ts';
import { LEASE_NAMES, readLease, type LeaseName, type LeaseState } from '../../repository/lease-objects.ts';
import { describeOwner, shutOut } from '../../repository/leases.ts';
import { restoreReserve, withReserve } from '../../repository/reserve.ts';
import { textOption, type CommandContext, type CommandInput } from '../command.ts';
import { loadProject } from '../load-project.ts';
import { openRepository, selectRepository } from '../open-repository.ts';
import type { Output } from '../output.ts';

interface HeldLease {
  readonly lease: LeaseName;
  readonly held: LeaseState;
}

export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const { output } = context;
  const { config, cluster } = await loadProject(context, input);
  const place = selectRepository(config, cluster, textOption(input, 'repository'));
  const repository = await openRepository(context, place);
  try {
    const { systemIdentifier } = await findCluster(repository, cluster.name, textOption(input, 'systemIdentifier'));
    const found: HeldLease[] = [];
    for (const lease of LEASE_NAMES) {
      const held = await readLease(repository.store, systemIdentifier, lease);
      if (held?.state === 'held') found.push({ lease, held });
    }
    const broken: HeldLease[] = [];
    // All is asked before anything is broken: who stops at a question has changed nothing.
    for (const { lease, held } of await chosenOf(output, found)) {
      if (await shutOut(withReserve(repository, context.log), systemIdentifier, lease, held)) broken.push({ lease, held });
      else output.warn(`the ${lease} lease was renewed or released at this moment: its holder lives`);
    }
    if (broken.length > 0) await restoreReserve(repository.store);
    output.line(
      broken.length === 0 ? `${place.name}: no lease was broken` : `${place.name}: broken: ${broken.map(({ lease }) => lease).join(', ')}`,
    );
    output.result({ repository: place.name, broken: broken.map(({ lease, held: { owner, since } }) => ({ lease, owner, since })) });
    return 0;
  } finally {
    await repository.store.close();
  }
}

/** Those of `found` that are to be broken. @throws {DbadminError} `interrupted` when none of them is. */
async function chosenOf(output: Output, found: readonly HeldLease[]): Promise<readonly HeldLease[]> {
  const chosen: HeldLease[] = [];
  for (const each of found) {
    const { lease, held } = each;
    output.line(`${lease}   ${describeOwner(held)}, last sign of life ${held.modifiedAt.toISOString()} by the storage's clock`);
    if (await output.confirm(`Break the ${lease} lease? If it still runs, what it has done so far is lost.`)) chosen.push(each);
  }
  if (chosen.length === 0 && found.length > 0) throw new DbadminError('interrupted', 'stopped: nothing was changed');
  return chosen;
}
