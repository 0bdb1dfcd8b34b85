import { findLastDrop } from '../../backup/find/search-inspect.ts';
import { formatTableName, parseTableName } from '../../backup/find/table-name.ts';
import { inspectLineage, readLineage } from '../../backup/lineage-inspect.ts';
import { formatMomentUs } from '../../backup/restore/target.ts';
import { DbadminError } from '../../base/errors.ts';
import { formatLsn } from '../../postgres/lsn.ts';
import { flagOption, textOption, type CommandContext, type CommandInput } from '../command.ts';
import { loadProject } from '../load-project.ts';
import { openRepository, selectRepository } from '../open-repository.ts';
import { timelineOption } from '../timeline-option.ts';

const OTHER_TARGETS = ['to', 'toLsn', 'toXid', 'toName'] as const;

/**
 * With `--before-drop`, the same input with the position it means: exactly before the commit that dropped the table, so all
 * that was committed until then comes back; before DROP DATABASE began, where that did it. Without it, the input as it is.
 *
 * @throws {DbadminError} `usage`, `target-unreachable` when there was no drop.
 */
export async function withBeforeDrop(context: CommandContext, input: CommandInput): Promise<CommandInput> {
  const text = textOption(input, 'beforeDrop');
  if (text === undefined) return input;
  if (
    OTHER_TARGETS.some((each) => textOption(input, each) !== undefined) ||
    flagOption(input, 'toLatest') ||
    flagOption(input, 'immediate')
  )
    throw new DbadminError('usage', 'restore takes one target, not several', { hint: '--before-drop is a target of its own.' });
  const table = parseTableName(text);
  const timeline = timelineOption(input);
  const { config, cluster } = await loadProject(context, input);
  const opened = await openRepository(context, selectRepository(config, cluster, textOption(input, 'repository')));
  try {
    const contents = await inspectLineage(opened, cluster.name, textOption(input, 'systemIdentifier'));
    const lineage = await readLineage(contents, timeline);
    const database = textOption(input, 'database') ?? cluster.connection.database;
    const search = { repository: opened, contents, lineage, signal: context.signal, database, table, countsDeletes: false };
    const { outcome, beforeLsn, withDatabase } = await findLastDrop(search);
    const at = formatMomentUs(outcome.time);
    const what = `${formatTableName(table)} in database ${database}${withDatabase ? ', with it' : ''}`;
    context.output.line(`drop       ${what}   ${at} xid ${outcome.fullXid ?? outcome.xid}`);
    return { ...input, options: { ...input.options, toLsn: formatLsn(beforeLsn), exclusive: true } };
  } finally {
    await opened.store.close();
  }
}
