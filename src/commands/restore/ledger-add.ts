import { describeEntry } from '../../backup/reconcile/describe.ts';
import { parseDeed } from '../../backup/reconcile/parse-deed.ts';
import { IN_PART } from '../../base/exit-status.ts';
import { textOption, type CommandContext, type CommandInput } from '../command.ts';
import { loadProject } from '../load-project.ts';
import { selectRepositories } from '../open-repository.ts';
import { entryJson } from './ledger-list.ts';
import { recordDeed } from './record-deed.ts';

export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const { output } = context;
  const { config, cluster } = await loadProject(context, input);
  const repositories = selectRepositories(config, cluster, textOption(input, 'repository'));
  const [kind = '', ...words] = input.args;
  const database = textOption(input, 'database') ?? cluster.connection.database;
  const deed = parseDeed({ kind, words, database, subject: textOption(input, 'subject') });
  const { entry, outcomes } = await recordDeed(context, cluster, repositories, deed);
  output.line(describeEntry(entry));
  output.result({
    entry: entryJson(entry),
    repositories: outcomes.map(({ repository, error }) =>
      error === undefined ? { repository, stored: true } : { repository, error: { code: error.code, message: error.message } },
    ),
  });
  return outcomes.every(({ error }) => error === undefined) ? 0 : IN_PART;
}
