import { DbadminError } from '../../base/errors.ts';
import { openClient } from '../../postgres/client.ts';
import { removeSignIn, signInPlaces } from '../../spotify/auth/sign-in-apply.ts';
import { Landing } from '../../spotify/fetch/landing-apply.ts';
import { erasePersonalRows, findPersonalRows, type PersonalRows } from '../../spotify/forget/apply.ts';
import { flagOption, textOption, type CommandContext, type CommandInput } from '../command.ts';
import { loadProject } from '../load-project.ts';
import { confirmOrStop, type Output } from '../output.ts';
import { backupMemories, type BackupMemory } from './backup-memory.ts';
import { openLanding } from './landing-place.ts';

export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const { output } = context;
  const [listener = ''] = input.args;
  const { config, cluster } = await loadProject(context, input);
  const hasLanding = textOption(input, 'landing') !== undefined || cluster.repositories.length > 0;
  const place = hasLanding ? await openLanding(context, input, config, cluster) : undefined;
  const sql = await openClient(cluster.connection, { applicationName: 'dbadmin spotify forget' });
  try {
    const landing = place === undefined ? undefined : new Landing(place, listener);
    const [rows, pages] = [await findPersonalRows(sql, listener), (await landing?.count()) ?? 0];
    showRows(output, listener, rows, pages);
    const backups = await backupMemories(context, input, config, cluster);
    for (const { repository, said } of backups) output.line(`${repository}: ${said}`);
    if (!flagOption(input, 'erase')) {
      output.line(`Nothing was changed. Erase it with: dbadmin spotify forget ${listener} --erase`);
      output.result(resultOf(listener, rows, pages, backups, false));
      return 0;
    }
    await confirmOrStop(output, `Erase ${listener} for good?`);
    // What leads to more data goes first: without tokens nothing new can come, and pages that lie here would be loaded again.
    const signedIn = await removeSignIn(signInPlaces(context.env, context.cwd), listener);
    const erasedPages = (await landing?.erase()) ?? 0;
    const erased = await erasePersonalRows(sql, listener);
    const left = await findPersonalRows(sql, listener);
    if (left.length > 0 || ((await landing?.count()) ?? 0) > 0) {
      throw new DbadminError('partly-done', `something of ${listener} came back while it was erased`, {
        detail: left.map(({ table, rows: count }) => `${table}: ${count} rows`).join('\n') || 'Pages landed.',
        hint: 'Stop the loads and fetches, and run the same command again.',
      });
    }
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
