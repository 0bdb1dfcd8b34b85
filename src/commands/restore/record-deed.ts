import os from 'node:os';
import { DbadminError } from '../../base/errors.ts';
import { inspectPosition, readVerifier } from '../../backup/reconcile/position-inspect.ts';
import type { ClusterConfig, RepositoryConfig } from '../../config/config.ts';
import { openClient } from '../../postgres/client.ts';
import type { Deed } from '../../repository/ledger-deed.ts';
import { appendLedger, drawEntryName, type LedgerEntry } from '../../repository/ledger.ts';
import type { CommandContext } from '../command.ts';
import { openRepository } from '../open-repository.ts';

/** An entry, and what became of it in each repository. */
export interface RecordedDeed {
  readonly entry: LedgerEntry;
  readonly outcomes: readonly { readonly repository: string; readonly error: DbadminError | undefined }[];
}

/**
 * Writes down that something was taken away from a cluster for good, in each of its repositories: for commands that do such
 * deeds, right after the commit. One repository being away does not stop the others; it is warned of and told.
 *
 * The verifier of a rotated password is read from the cluster when the deed has none.
 *
 * @throws {DbadminError} what connecting throws; the failure of the storage when no repository took it.
 */
export async function recordDeed(
  context: CommandContext,
  cluster: ClusterConfig,
  repositories: readonly RepositoryConfig[],
  deed: Deed,
): Promise<RecordedDeed> {
  const entry = await locate(context, cluster, deed);
  const name = drawEntryName();
  const outcomes: { readonly repository: string; readonly error: DbadminError | undefined }[] = [];
  for (const repository of repositories) {
    try {
      await store(context, repository, entry, name);
      outcomes.push({ repository: repository.name, error: undefined });
    } catch (error) {
      if (!(error instanceof DbadminError)) throw error;
      outcomes.push({ repository: repository.name, error });
    }
  }
  const failed = outcomes.filter(({ error }) => error !== undefined);
  const [first] = failed;
  if (first?.error !== undefined && failed.length === outcomes.length) throw first.error;
  for (const { repository, error } of failed) context.log.warn(`not written into ${repository}: ${error?.message ?? ''}`);
  return { entry, outcomes };
}

/** The deed with the position of the cluster now, which lies behind it. */
async function locate(context: CommandContext, cluster: ClusterConfig, deed: Deed): Promise<LedgerEntry> {
  const sql = await openClient(cluster.connection, { applicationName: 'dbadmin ledger' });
  try {
    const position = await inspectPosition(sql);
    const needsVerifier = deed.kind === 'password-rotated' && deed.verifier === null;
    const complete = needsVerifier ? { ...deed, verifier: await readVerifier(sql, deed.role) } : deed;
    return { ...position, at: context.clock.now(), by: `${context.env['USER'] ?? 'dbadmin'}@${os.hostname()}`, deed: complete };
  } finally {
    await sql.end({ timeout: 5 });
  }
}

async function store(context: CommandContext, config: RepositoryConfig, entry: LedgerEntry, name: string): Promise<void> {
  const repository = await openRepository(context, config);
  try {
    const kept = await appendLedger(repository, entry, name);
    if (kept.deed.kind !== 'password-rotated' || kept.deed.verifier !== null) return;
    const why = repository.keys === undefined ? 'is not encrypted and keeps no verifier' : 'was given no verifier';
    context.log.warn(`${config.name} ${why}: restore --reconcile will take the login of ${kept.deed.role} away`);
  } finally {
    await repository.store.close();
  }
}
