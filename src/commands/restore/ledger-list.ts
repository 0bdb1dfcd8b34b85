import { inspectLineage } from '../../backup/lineage-inspect.ts';
import { describeEntry } from '../../backup/reconcile/describe.ts';
import { formatLsn } from '../../postgres/lsn.ts';
import { readLedger, type LedgerEntry } from '../../repository/ledger.ts';
import { damagedJson } from '../backup/recovery-json.ts';
import { textOption, type CommandContext, type CommandInput } from '../command.ts';
import { loadProject } from '../load-project.ts';
import { openRepository, selectRepository } from '../open-repository.ts';

export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const { output } = context;
  const { config, cluster } = await loadProject(context, input);
  const repository = selectRepository(config, cluster, textOption(input, 'repository'));
  const opened = await openRepository(context, repository);
  try {
    const contents = await inspectLineage(opened, cluster.name, textOption(input, 'systemIdentifier'));
    const { entries, damaged } = await readLedger(opened, contents.cluster.systemIdentifier);
    if (entries.length + damaged.length === 0) output.line(`the ledger of ${cluster.name} in ${repository.name} is empty`);
    else if (entries.length > 0)
      output.table(
        ['what a restore to before brings back', 'position', 'by'],
        entries.map((entry) => [describeEntry(entry), `${formatLsn(entry.lsn)} on timeline ${entry.timeline}`, entry.by]),
      );
    output.result({ repository: repository.name, entries: entries.map(entryJson), damaged: damagedJson(damaged) });
    return 0;
  } finally {
    await opened.store.close();
  }
}

/** An entry in `--json`: never a verifier. */
export function entryJson(entry: LedgerEntry): object {
  const { deed, at, lsn, timeline, by } = entry;
  return { kind: deed.kind, text: describeEntry(entry), at: at.toISOString(), lsn: formatLsn(lsn), timeline, by };
}
