import { formatDuration } from '../../base/durations.ts';
import { DbadminError } from '../../base/errors.ts';
import { qualified } from '../../backup/table/definition.ts';
import type { RescueItem } from '../../backup/table/rescue-plan.ts';
import { rescueObjects, type Rescued, type RescueWish } from '../../backup/table/rescue-run.ts';
import type { InspectedRollback, RunLoss } from '../../migrate/undo/rollback-inspect.ts';
import type { TableName } from '../../migrate/undo/losses.ts';
import { listOption, textOption, type CommandContext, type CommandInput } from '../command.ts';
import { selectRepository } from '../open-repository.ts';
import { withThrowawayClone } from '../throwaway-clone.ts';
import { eraseSince } from './erase-since.ts';
import { count, type MigrateProject } from './load-migrations.ts';
import { lossName, tableText } from './show-loss.ts';
import { rescueSchema } from './tiers.ts';

/** What is to come back from the clone of one run's restore point. */
export interface RunWishes {
  readonly runId: string;
  readonly restorePoint: { readonly name: string; readonly lsn: string };
  readonly wishes: readonly RescueWish[];
}

/**
 * What to rescue, by run: all that was lost, or what `--objects` names of it.
 *
 * @throws {DbadminError} `usage` for an object that is none of the losses; `refused` when a run has no restore point.
 */
export function rescueWishes(input: CommandInput, inspected: InspectedRollback): readonly RunWishes[] {
  const { versions } = inspected;
  const losses = inspected.losses.filter(({ madeByRun }) => !madeByRun);
  const named = listOption(input, 'objects')
    .flatMap((text) => text.split(','))
    .map((text) => text.trim())
    .filter((text) => text !== '');
  const extra = named.filter((text) => text.startsWith('table:')).map((text) => tableOf(text.slice('table:'.length)));
  const wanted = named.filter((text) => !text.startsWith('table:'));
  for (const text of wanted) {
    if (losses.some(({ loss }) => isNamed(loss, text))) continue;
    throw new DbadminError('usage', `${text} is not among what was lost`, {
      detail:
        losses.length === 0
          ? 'Nothing was, as far as the statements tell.'
          : `Lost: ${losses.map(({ loss }) => lossName(loss)).join(', ')}.`,
      hint: `For a table whatever happened to it: --objects table:${text}`,
    });
  }
  const chosen = named.length === 0 ? losses : losses.filter(({ loss }) => wanted.some((text) => isNamed(loss, text)));
  const oldest = versions.at(-1);
  const runs = new Map<string, { point: RunLoss['restorePoint']; wishes: RescueWish[] }>();
  const wishesOf = (runId: string, point: RunLoss['restorePoint']): RescueWish[] => {
    const run = runs.get(runId) ?? { point, wishes: [] };
    runs.set(runId, run);
    return run.wishes;
  };
  for (const { loss, runId, restorePoint } of chosen) addWish(wishesOf(runId, restorePoint), loss);
  if (oldest !== undefined) for (const table of extra) wishesOf(oldest.runId, oldest.restorePoint).push({ kind: 'table', table });
  return [...runs].map(([runId, { point, wishes }]) => {
    if (point !== undefined) return { runId, restorePoint: point, wishes };
    throw new DbadminError('refused', `no restore point was set before run ${runId.slice(0, 8)}`, {
      hint: 'Restore to a moment before it by time: dbadmin restore --table NAMES --to TIME',
    });
  });
}

function addWish(wishes: RescueWish[], loss: RunLoss['loss']): void {
  if (loss.kind === 'schema') wishes.push({ kind: 'schema', schema: loss.schema });
  else if (loss.kind !== 'column') wishes.push({ kind: loss.kind, table: loss.table });
  else {
    const at = wishes.findIndex((each) => each.kind === 'columns' && tableText(each.table) === tableText(loss.table));
    const before = wishes[at];
    if (before?.kind === 'columns') wishes[at] = { ...before, columns: [...before.columns, loss.column] };
    else wishes.push({ kind: 'columns', table: loss.table, columns: [loss.column] });
  }
}

function isNamed(loss: RunLoss['loss'], text: string): boolean {
  if (loss.kind === 'schema') return text === lossName(loss).slice('schema '.length);
  return text === tableText(loss.table) || (loss.kind === 'column' && `column ${text}` === lossName(loss));
}

function tableOf(text: string): TableName {
  const match = /^("(?:[^"]|"")+"|[^".]+)\.("(?:[^"]|"")+"|[^".]+)$/.exec(text);
  const part = (each: string | undefined): string =>
    each?.startsWith('"') === true ? each.slice(1, -1).replaceAll('""', '"') : (each ?? '').toLowerCase();
  if (match !== null) return { schema: part(match[1]), name: part(match[2]) };
  throw new DbadminError('usage', `"${text}" is not a table`, { hint: 'Name it with its schema: table:core.play' });
}

/** Brings back what was lost, run by run, each from a clone of its own; prints the SQL that puts it where it was. */
export async function runRescue(
  context: CommandContext,
  input: CommandInput,
  project: MigrateProject,
  runs: readonly RunWishes[],
): Promise<readonly object[]> {
  const { output, clock } = context;
  const startedMs = clock.now().getTime();
  const results: object[] = [];
  let absent = 0;
  for (const run of runs) {
    const rescued = await rescueRun(context, input, project, run);
    output.line();
    for (const each of rescued) {
      if (each.kind === 'absent') absent += 1;
      results.push(showRescued(context, each, run));
    }
  }
  output.line();
  const found = results.length - absent;
  output.line(
    `${count(found, 'thing')} brought back in ${formatDuration(clock.now().getTime() - startedMs)}; nothing that was there was changed`,
  );
  return results;
}

async function rescueRun(
  context: CommandContext,
  input: CommandInput,
  { config, cluster }: MigrateProject,
  { restorePoint, wishes, runId }: RunWishes,
): Promise<readonly Rescued[]> {
  const target = { kind: 'name' as const, name: restorePoint.name };
  return await withThrowawayClone(context, input, { config, cluster, target }, async (superuser, { preflight }) => {
    const repository = selectRepository(config, cluster, textOption(input, 'repository'));
    await eraseSince(context, { config, cluster, repository }, superuser, preflight, cluster.connection.database);
    const source = { ...superuser, database: cluster.connection.database };
    return await rescueObjects(source, cluster.connection, wishes, rescueSchema(runId), context.signal);
  });
}

function showRescued({ output }: CommandContext, rescued: Rescued, { restorePoint }: RunWishes): object {
  const what = itemName(rescued.item);
  if (rescued.kind === 'absent') {
    output.line(`${what}: was not there at restore point ${restorePoint.name}`);
    return { what, schema: null, table: null, rows: 0, statements: [], note: 'not there at the restore point' };
  }
  const { to, rows, statements, note } = rescued;
  output.line(`${what} → ${qualified(to.schema, to.name)}   ${count(rows, 'row')}`);
  if (note !== undefined) output.line(`  note: ${note}`);
  if (statements.length > 0) output.line('  to put it back:');
  for (const statement of statements) output.line(`    ${statement}`);
  return { what, schema: to.schema, table: to.name, rows, statements, note: note ?? null };
}

function itemName(item: RescueItem): string {
  switch (item.kind) {
    case 'table':
      return `table ${tableText(item.table)}`;
    case 'rows':
      return `rows of ${tableText(item.table)}`;
    case 'columns':
      return `${item.columns.length === 1 ? 'column' : 'columns'} ${item.columns.join(', ')} of ${tableText(item.table)}`;
  }
}
