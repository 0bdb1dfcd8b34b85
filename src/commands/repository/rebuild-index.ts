import { findCluster } from '../../backup/lineage-inspect.ts';
import { isDbadminError } from '../../base/errors.ts';
import { IN_PART } from '../../base/exit-status.ts';
import type { RepositoryConfig } from '../../config/config.ts';
import { acquireLease } from '../../repository/leases.ts';
import { inspectIndexes, rebuildIndex, type RebuiltIndex } from '../../repository/rebuild-index.ts';
import type { Repository } from '../../repository/repository.ts';
import { flagOption, textOption, type CommandContext, type CommandInput } from '../command.ts';
import { loadProject } from '../load-project.ts';
import { damageTeller, openLocked, openRepository, selectRepository } from '../open-repository.ts';

export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const { output, clock, log, signal } = context;
  const { config, cluster } = await loadProject(context, input);
  const place = selectRepository(config, cluster, textOption(input, 'repository'));
  const repository = await openWithOrWithoutKey(context, place);
  try {
    const { systemIdentifier } = await findCluster(repository, cluster.name, textOption(input, 'systemIdentifier'));
    if (flagOption(input, 'dryRun')) return await showPlan(context, input, { name: place.name, repository, systemIdentifier });
    const lease = await acquireLease(repository, systemIdentifier, 'expire', { clock, log, command: 'repository rebuild-index', signal });
    const progress = output.progress('reading packs', 'count');
    let rebuilt: RebuiltIndex;
    try {
      rebuilt = await rebuildIndex(repository, systemIdentifier, {
        lease,
        all: flagOption(input, 'all'),
        clock,
        signal,
        onProgress: (done, total) => progress.update(done, total),
      });
    } finally {
      progress.end();
      await lease.release();
    }
    show(context, place.name, rebuilt);
    output.result({ repository: place.name, systemIdentifier, ...rebuilt });
    return rebuilt.missing.length + rebuilt.damaged.length + rebuilt.locked.length > 0 ? IN_PART : 0;
  } finally {
    await repository.store.close();
  }
}

/** What would be written anew. */
async function showPlan(
  { output }: CommandContext,
  input: CommandInput,
  { name, repository, systemIdentifier }: { readonly name: string; readonly repository: Repository; readonly systemIdentifier: string },
): Promise<number> {
  const { packs, unindexed, replaced, missing } = await inspectIndexes(repository, systemIdentifier, flagOption(input, 'all'));
  output.line(
    `${name}: ${packs} packs, ${unindexed} of them in no index that can stay; ${replaced.length} index objects would be replaced`,
  );
  for (const pack of missing) output.line(`missing   pack ${pack} is in an index and is not there: bring it back from a copy`);
  output.line('Nothing was changed.');
  output.result({
    repository: name,
    systemIdentifier,
    packs,
    added: unindexed,
    written: 0,
    replaced,
    locked: [],
    kept: [],
    missing,
    damaged: [],
  });
  return missing.length > 0 ? IN_PART : 0;
}

/** Packs say what they hold without a key; so whoever has lost it can still do this. */
async function openWithOrWithoutKey(context: CommandContext, place: RepositoryConfig): Promise<Repository> {
  try {
    return await openRepository(context, place);
  } catch (error) {
    if (!isDbadminError(error, 'key-wrong')) throw error;
    context.output.warn(
      `${error.message}: going on without a key, by what the packs say of themselves; backups rely on it once this has run with the key`,
    );
    return { ...(await openLocked(context, place)), keys: undefined, onDamaged: damageTeller(context, place.name) };
  }
}

function show({ output }: CommandContext, repository: string, rebuilt: RebuiltIndex): void {
  const { packs, added, written, replaced, locked, kept, missing, damaged } = rebuilt;
  output.line(
    `${repository}: ${packs} packs, ${added} of them newly indexed in ${written} index ${written === 1 ? 'object' : 'objects'}, ${replaced.length} replaced`,
  );
  for (const { index, until } of locked)
    output.line(
      `locked    ${index} stays${until === null ? '' : ` until ${until.toISOString()}`}: what it should say is in another; run this again then`,
    );
  for (const { index, packs: unread } of kept) output.line(`stays     ${index}: nothing else says what lies in ${packsNamed(unread)}`);
  for (const pack of missing) output.line(`missing   pack ${pack} was in an index and is not there: bring it back from a copy`);
  for (const { pack, problem } of damaged) output.line(`damaged   pack ${pack}: ${problem}`);
  if (missing.length + damaged.length > 0) output.line('What backups that costs: dbadmin backup verify');
}

function packsNamed(packs: readonly string[]): string {
  return packs.length === 1 ? `pack ${packs[0]}, which is damaged` : `${packs.length} damaged packs`;
}
