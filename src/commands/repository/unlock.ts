import { findCluster } from '../../backup/lineage-inspect.ts';
import { LEASE_NAMES, readLease, type LeaseState } from '../../repository/lease-objects.ts';
import { describeOwner, shutOut } from '../../repository/leases.ts';
import { restoreReserve, withReserve } from '../../repository/reserve.ts';
import { textOption, type CommandContext, type CommandInput } from '../command.ts';
import { loadProject } from '../load-project.ts';
import { openRepository, selectRepository } from '../open-repository.ts';
import { confirmOrStop } from '../output.ts';

export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const { output } = context;
  const { config, cluster } = await loadProject(context, input);
  const place = selectRepository(config, cluster, textOption(input, 'repository'));
  const repository = await openRepository(context, place);
  try {
    const { systemIdentifier } = await findCluster(repository, cluster.name, textOption(input, 'systemIdentifier'));
    const broken: { readonly lease: string; readonly held: LeaseState }[] = [];
    for (const lease of LEASE_NAMES) {
      const held = await readLease(repository.store, systemIdentifier, lease);
      if (held?.state !== 'held') continue;
      output.line(`${lease}   ${describeOwner(held)}, last sign of life ${held.modifiedAt.toISOString()} by the storage's clock`);
      await confirmOrStop(output, `Break the ${lease} lease? If it still runs, what it has done so far is lost.`);
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
