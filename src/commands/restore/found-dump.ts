import { describeDump } from '../../backup/dump/extent.ts';
import type { DumpManifest } from '../../backup/dump/manifest.ts';
import { returningWithDump, type DumpChoice } from '../../backup/dump/returning.ts';
import { readDumpManifest } from '../../backup/dump/stored-dump.ts';
import { inspectLineage } from '../../backup/lineage-inspect.ts';
import { describeEntry } from '../../backup/reconcile/describe.ts';
import type { ClusterConfig, Config, RepositoryConfig } from '../../config/config.ts';
import type { Repository } from '../../repository/repository.ts';
import { listOption, textOption, type CommandContext, type CommandInput } from '../command.ts';
import { loadProject } from '../load-project.ts';
import { openRepository, selectRepository } from '../open-repository.ts';
import { entryJson } from './ledger-list.ts';
import { returningByAll } from './other-ledgers.ts';
import { readableLedger } from './readable-ledger.ts';

/** The dump that `--dump` names, and where it lies. */
export interface FoundDump {
  readonly config: Config;
  readonly cluster: ClusterConfig;
  readonly repository: RepositoryConfig;
  readonly opened: Repository;
  readonly systemIdentifier: string;
  readonly manifest: DumpManifest;
}

/** Does `work` with the dump; its repository is closed afterwards. */
export async function withFoundDump(
  context: CommandContext,
  input: CommandInput,
  work: (found: FoundDump) => Promise<number>,
): Promise<number> {
  const { config, cluster } = await loadProject(context, input);
  const repository = selectRepository(config, cluster, textOption(input, 'repository'));
  const opened = await openRepository(context, repository);
  try {
    const systemIdentifier = textOption(input, 'systemIdentifier') ?? (await inspectLineage(opened, cluster.name)).cluster.systemIdentifier;
    const manifest = await readDumpManifest(opened, `${systemIdentifier}/`, textOption(input, 'dump') ?? '');
    return await work({ config, cluster, repository, opened, systemIdentifier, manifest });
  } finally {
    await opened.store.close();
  }
}

/** What a dump is, in lines, below where it goes; and as keys of the result. */
export function showDump({ output }: CommandContext, manifest: DumpManifest, where: string): object {
  output.line(`${manifest.label} of ${manifest.startedAt} → ${where}`);
  for (const line of describeDump(manifest)) output.line(`  ${line}`);
  return { dump: manifest.label, selection: manifest.selection ?? null, leftOut: manifest.leftOut ?? null };
}

/** Says what was taken away since the dump and is in it. Gives it as keys of the result. */
export async function showReturning(
  context: CommandContext,
  input: CommandInput,
  found: FoundDump,
  choice: DumpChoice,
  words: { readonly returns: string; readonly advice: string },
): Promise<object> {
  const { output } = context;
  const ledger = await readableLedger(found.opened, found.systemIdentifier, listOption(input, 'withoutLedgerEntry'));
  const { returning, unreadLedgers } = await returningByAll(context, found, ledger.entries, (all) =>
    returningWithDump(found.manifest, choice, all),
  );
  for (const { key } of ledger.damaged)
    output.line(output.style('bad', `UNKNOWN may come back too: what ${key} took away, which cannot be read`));
  if (returning.length > 0) {
    output.line(`${words.returns}: ${returning.map(describeEntry).join(', ')}`);
    output.line(`  ${words.advice}`);
  }
  return { returning: returning.map(entryJson), unreadLedgers };
}
