import os from 'node:os';
import { DbadminError } from '../../base/errors.ts';
import { describeEntry } from '../../backup/reconcile/describe.ts';
import { parseDeed } from '../../backup/reconcile/parse-deed.ts';
import { inspectPosition, readVerifier } from '../../backup/reconcile/position-inspect.ts';
import type { ClusterConfig, RepositoryConfig } from '../../config/config.ts';
import { openClient } from '../../postgres/client.ts';
import { appendLedger, type Deed, type LedgerEntry } from '../../repository/ledger.ts';
import { textOption, type CommandContext, type CommandInput } from '../command.ts';
import { loadProject } from '../load-project.ts';
import { openRepository, selectRepositories } from '../open-repository.ts';
import { entryJson } from './ledger-list.ts';

export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const { output } = context;
  const { config, cluster } = await loadProject(context, input);
  const repositories = selectRepositories(config, cluster, textOption(input, 'repository'));
  const [kind = '', ...words] = input.args;
  const database = textOption(input, 'database') ?? cluster.connection.database;
  const deed = parseDeed({ kind, words, database, subject: textOption(input, 'subject') });
  const entry = await locate(context, cluster, deed);
  output.line(describeEntry(entry));
  const outcomes: { readonly repository: string; readonly stored: boolean; readonly error?: DbadminError }[] = [];
  for (const repository of repositories) {
    try {
      await store(context, repository, entry);
      outcomes.push({ repository: repository.name, stored: true });
    } catch (error) {
      if (!(error instanceof DbadminError) || repositories.length === 1) throw error;
      context.log.warn(`not written into ${repository.name}: ${error.message}`);
      outcomes.push({ repository: repository.name, stored: false, error });
    }
  }
  const failed = outcomes.filter(({ stored }) => !stored);
  output.result({
    entry: entryJson(entry),
    repositories: outcomes.map(({ repository, stored, error }) =>
      error === undefined ? { repository, stored } : { repository, error: { code: error.code, message: error.message } },
    ),
  });
  const [first] = failed;
  if (first?.error !== undefined && failed.length === outcomes.length) throw first.error;
  return failed.length === 0 ? 0 : 3;
}

/** The deed with the position of the cluster now, which lies behind it. */
async function locate(context: CommandContext, cluster: ClusterConfig, deed: Deed): Promise<LedgerEntry> {
  const sql = await openClient(cluster.connection, { applicationName: 'dbadmin ledger' });
  try {
    const position = await inspectPosition(sql);
    const complete = deed.kind === 'password-rotated' ? { ...deed, verifier: await readVerifier(sql, deed.role) } : deed;
    return { ...position, at: context.clock.now(), by: `${context.env['USER'] ?? 'dbadmin'}@${os.hostname()}`, deed: complete };
  } finally {
    await sql.end({ timeout: 5 });
  }
}

async function store(context: CommandContext, config: RepositoryConfig, entry: LedgerEntry): Promise<void> {
  const repository = await openRepository(context, config);
  try {
    const kept = await appendLedger(repository, entry);
    if (kept.deed.kind !== 'password-rotated' || kept.deed.verifier !== null) return;
    const why = repository.keys === undefined ? 'is not encrypted and keeps no verifier' : 'was given no verifier';
    context.log.warn(`${config.name} ${why}: restore --reconcile will take the login of ${kept.deed.role} away`);
  } finally {
    await repository.store.close();
  }
}
