import os from 'node:os';
import { inspectPosition } from '../../backup/reconcile/position-inspect.ts';
import { messageOf } from '../../base/errors.ts';
import { openClient } from '../../postgres/client.ts';
import { knowsCluster } from '../../repository/identity.ts';
import { appendLedger, drawEntryName, type NamedEntry } from '../../repository/ledger.ts';
import type { Repository } from '../../repository/repository.ts';
import type { CommandContext } from '../command.ts';
import type { RunRepositories } from './run-repositories.ts';

const AT_ONCE = 8;

/** A file that was applied, or undone. */
export interface RecordedFile {
  readonly version: string;
  readonly file: string;
  readonly deed?: 'migration-applied' | 'migration-undone';
}

/**
 * Writes into the ledger of each repository that knows the cluster which files were applied or undone, so that a restore to before can
 * name what is to be replayed, and what it brings back: of a backup or a dump, there already or being taken. Others are left alone: with
 * --url the cluster may be one that is gone tomorrow. What fails is warned of: the files are applied all the same.
 */
export async function recordMigrations(
  context: CommandContext,
  repositories: RunRepositories,
  database: string,
  files: readonly RecordedFile[],
): Promise<void> {
  const { log, signal, clock, env } = context;
  if (files.length === 0) return;
  try {
    const destinations = await repositories.destinations();
    if (destinations.length === 0) return;
    const position = await inspectHere(repositories);
    const by = `${env['USER'] ?? 'dbadmin'}@${os.hostname()}`;
    const nowMs = clock.now().getTime();
    const entries = files.map(({ version, file, deed = 'migration-applied' }): NamedEntry => {
      // What redo undoes and applies again is read in that order.
      const at = new Date(deed === 'migration-undone' ? nowMs : nowMs + 1);
      return { name: drawEntryName(), entry: { ...position, at, by, deed: { kind: deed, database, version, file } } };
    });
    for (const { name, open } of destinations) {
      try {
        await append(await open(), entries);
      } catch (error) {
        log.warn(`the migrations are not written into the ledger of ${name}: ${messageOf(error)}`);
      }
    }
  } catch (error) {
    if (!signal.aborted) log.warn(`the migrations are not written into the ledger: ${messageOf(error)}`);
  }
}

async function inspectHere({ cluster }: RunRepositories): Promise<Awaited<ReturnType<typeof inspectPosition>>> {
  const sql = await openClient(cluster.connection, { applicationName: 'dbadmin ledger' });
  try {
    return await inspectPosition(sql);
  } finally {
    await sql.end({ timeout: 5 });
  }
}

async function append(repository: Repository, entries: readonly NamedEntry[]): Promise<void> {
  const [first] = entries;
  if (first === undefined || !(await knowsCluster(repository, first.entry.systemIdentifier))) return;
  for (let from = 0; from < entries.length; from += AT_ONCE) {
    await Promise.all(entries.slice(from, from + AT_ONCE).map(async ({ entry, name }) => await appendLedger(repository, entry, name)));
  }
}
