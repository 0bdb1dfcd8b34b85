import type { Sql } from 'postgres';
import { DbadminError, isDbadminError } from '../../base/errors.ts';
import { shellWord } from '../../base/shell-word.ts';
import type { ClusterConfig, Config } from '../../config/config.ts';
import { openClient } from '../../postgres/client.ts';
import type { Deed } from '../../repository/ledger-deed.ts';
import { removeSignIn, signInPlaces } from '../../spotify/auth/sign-in-apply.ts';
import { Landing, type LandingPlace } from '../../spotify/fetch/landing-apply.ts';
import { erasePersonalRows, findLandedKeys, findListenerId, findPersonalRows, type PersonalRows } from '../../spotify/forget/apply.ts';
import { flagOption, textOption, type CommandContext, type CommandInput } from '../command.ts';
import { loadProject } from '../load-project.ts';
import { confirmOrStop, type Output } from '../output.ts';
import { writeDeeds } from '../roles/record-deeds.ts';
import { backupMemories, type BackupMemory } from './backup-memory.ts';
import { openLanding } from './landing-place.ts';

export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const { output } = context;
  const [listener = ''] = input.args;
  const { config, cluster } = await loadProject(context, input);
  const place = await landingOf(context, input, config, cluster);
  const sql = await openClient(cluster.connection, { applicationName: 'dbadmin spotify forget', jit: false });
  try {
    const landing = place === undefined ? undefined : new Landing(place, listener);
    const [rows, pages] = [await findPersonalRows(sql, listener), (await landing?.count()) ?? 0];
    showRows(output, listener, rows, pages);
    const backups = await backupMemories(sql, context, input, config, cluster);
    for (const { repository, said } of backups) output.line(`${repository}: ${said}`);
    if (!flagOption(input, 'erase')) {
      output.line(`Nothing was changed. Erase it with: dbadmin spotify forget ${shellWord(listener)} --erase`);
      output.result(resultOf(listener, rows, pages, backups, false));
      return 0;
    }
    await refuseStray(sql, landing, listener, flagOption(input, 'landingGone'));
    await confirmOrStop(output, `Erase ${listener} for good?`);
    // What leads to more data goes first: without tokens nothing new can come, and pages that lie here would be loaded again.
    const signedIn = await removeSignIn(signInPlaces(context.env, context.cwd), listener);
    const { erased: erasedPages, left: leftPages } = await erasePages(landing, pages);
    const id = await findListenerId(sql, listener);
    const erased = await erasePersonalRows(sql, listener);
    if (id !== undefined) await writeDeeds(context, { config, cluster }, [erasureOf(cluster, id)]);
    const left = await findPersonalRows(sql, listener);
    const isLanded = leftPages === undefined && ((await landing?.count()) ?? 0) > 0;
    if (left.length > 0 || isLanded) {
      throw new DbadminError('partly-done', `something of ${listener} came back while it was erased`, {
        detail: left.map(({ table, rows: count }) => `${table}: ${count} rows`).join('\n') || 'Pages landed.',
        hint: 'Stop the loads and fetches, and run the same command again.',
      });
    }
    // The rest went all the same: what hides in old versions is found again by the listener's name.
    if (leftPages !== undefined) throw leftPages;
    output.line(
      `${listener} is forgotten: ${sum(erased)} rows, ${erasedPages} landed objects${signedIn ? ', the sign-in' : ''}; 0 rows remain`,
    );
    output.result({ ...resultOf(listener, erased, erasedPages, backups, true), signInRemoved: signedIn });
    return 0;
  } finally {
    await sql.end({ timeout: 5 });
    await place?.store.close();
  }
}

/** Erases the pages that lie there; `left` is why some of them may still be read, in a storage that keeps versions or locks by itself. */
async function erasePages(landing: Landing | undefined, pages: number): Promise<{ readonly erased: number; readonly left?: DbadminError }> {
  try {
    return { erased: (await landing?.erase()) ?? 0 };
  } catch (error) {
    if (!isDbadminError(error, 'partly-done')) throw error;
    return { erased: pages, left: error };
  }
}

/** For the ledger: a restore to before it erases them again. Without their name, which nobody should keep. */
function erasureOf({ connection }: ClusterConfig, id: string): Deed {
  return {
    kind: 'subject-forgotten',
    database: connection.database,
    procedure: ['core', 'forget'],
    arguments: [id],
    subject: `listener ${id}`,
  };
}

/** The place of the options, or the cluster's repository where there is one. */
async function landingOf(
  context: CommandContext,
  input: CommandInput,
  config: Config,
  cluster: ClusterConfig,
): Promise<LandingPlace | undefined> {
  const isNamed = textOption(input, 'landing') !== undefined || textOption(input, 'repository') !== undefined;
  if (!isNamed && cluster.repositories.length === 0) return undefined;
  try {
    return await openLanding(context, input, config, cluster);
  } catch (error) {
    if (!isNamed && isDbadminError(error, 'repository-missing')) return undefined;
    throw error;
  }
}

/** Pages that lie in another place would be left there, and once raw is empty nothing leads to them any more. */
async function refuseStray(sql: Sql, landing: Landing | undefined, listener: string, isGone: boolean): Promise<void> {
  const keys = await findLandedKeys(sql, listener);
  const stray = landing === undefined ? keys : await landing.absent(keys);
  const [first] = stray;
  if (first === undefined || isGone) return;
  throw new DbadminError('refused', `${stray.length} landed objects of ${listener} are not where this looks`, {
    detail: `One is ${first}.`,
    hint: 'Give --landing or --repository as when they were fetched; with --landing-gone they are taken for deleted.',
  });
}

function showRows(output: Output, listener: string, rows: readonly PersonalRows[], pages: number): void {
  if (rows.length === 0 && pages === 0) output.line(`the warehouse has nothing about ${listener}`);
  else {
    output.table(
      ['table', { head: 'rows', align: 'right' }],
      [
        ...rows.map(({ table, rows: count }): [string, string] => [table, count.toLocaleString('en')]),
        ['landed objects', pages.toLocaleString('en')],
      ],
    );
  }
}

const sum = (rows: readonly PersonalRows[]): number => rows.reduce((total, { rows: count }) => total + count, 0);

function resultOf(
  listener: string,
  tables: readonly PersonalRows[],
  landedObjects: number,
  backups: readonly BackupMemory[],
  isErased: boolean,
): Readonly<Record<string, unknown>> {
  return { listener, isErased, tables, landedObjects, backups: backups.map((each) => ({ ...each, endsAt: each.endsAt ?? null })) };
}
