import path from 'node:path';
import { refuseExistingSchema } from '../../backup/table/rescue-run.ts';
import { DbadminError } from '../../base/errors.ts';
import { loadSqlParser } from '../../migrate/sql/parser.ts';
import { checkUndo } from '../../migrate/undo/run.ts';
import { inspectRollback, type InspectedRollback } from '../../migrate/undo/rollback-inspect.ts';
import { formatLsn } from '../../postgres/lsn.ts';
import { flagOption, listOption, textOption, type CommandContext, type CommandInput } from '../command.ts';
import { confirmOrStop, type Output } from '../output.ts';
import { count, loadMigrations, withSession, type MigrateProject } from './load-migrations.ts';
import { rescueWishes, runRescue } from './rescue.ts';
import { describeLoss, lossName } from './show-loss.ts';
import { inspectTiers, rescueSchema, TIERS, type TierName, type Tiers } from './tiers.ts';
import { showAndUndo, versionOf } from './undo.ts';

/** `dbadmin migrate rollback`: what is newer, what it took away, the three ways back with what each costs; then one of them. */
export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const { output } = context;
  const to = textOption(input, 'to');
  if (to === undefined)
    throw new DbadminError('usage', 'rollback needs the version to go back to', {
      hint: 'Give --to VERSION: it stays the newest. 0 stands for none.',
    });
  const extent = { kind: 'after' as const, version: versionOf(to) };
  const project = await loadMigrations(context, input);
  const inspected = await withSession(context, project, async (session) => {
    const { config, directories } = project;
    return await inspectRollback(
      session,
      { schema: config.migrate.schema, directories, extent, clock: context.clock },
      await loadSqlParser(),
    );
  });
  showVersions(output, inspected, project);
  const base = inspectedJson(inspected);
  if (inspected.versions.length === 0) {
    output.result({ ...base, tiers: null, pitrLoss: null, tier: null, rescued: null, done: null });
    return 0;
  }
  for (const warning of inspected.undo.plan.warnings) output.warn(warning);
  const tiers = await inspectTiers(context, input, project, inspected);
  const tier = chooseTier(input, tiers, inspected);
  showTiers(output, tiers, tier);
  const result = { ...base, ...tiersJson(tiers), tier: tier ?? null, rescued: null, done: null };
  if (flagOption(input, 'dryRun')) {
    output.result(result);
    return 0;
  }
  if (tier === undefined) {
    throw new DbadminError('refused', 'there is no way back that dbadmin knows', {
      detail: TIERS.map((name) => `${name}: ${tiers[name].why[0] ?? ''}`).join('\n'),
      hint: 'Write a migration that undoes it: dbadmin migrate new NAME; or restore tables by time: dbadmin restore --table NAMES --to TIME',
    });
  }
  output.line();
  output.result({ ...result, ...(await takeTier(tier, context, input, project, inspected, extent, tiers)) });
  return 0;
}

async function takeTier(
  tier: TierName,
  context: CommandContext,
  input: CommandInput,
  project: MigrateProject,
  inspected: InspectedRollback,
  extent: Parameters<typeof showAndUndo>[3],
  tiers: Tiers,
): Promise<object> {
  switch (tier) {
    case 'down': {
      checkUndo(inspected.undo, undefined);
      const { done } = await showAndUndo(context, input, project, extent, inspected.undo, false);
      return { done };
    }
    case 'rescue': {
      const runs = rescueWishes(input, inspected);
      for (const { runId } of runs) await refuseExistingSchema(project.cluster.connection, rescueSchema(runId));
      await confirmOrStop(context.output, `Restore ${count(runs.length, 'clone')} and copy what was lost?`);
      return { rescued: await runRescue(context, input, project, runs) };
    }
    case 'pitr':
      return await pitr(context, input, inspected, tiers);
  }
}

/** The whole cluster as it was, beside production: by `restore`, which shows and asks itself. */
async function pitr(context: CommandContext, input: CommandInput, inspected: InspectedRollback, { loss }: Tiers): Promise<object> {
  const { output } = context;
  const name = inspected.versions.at(-1)?.restorePoint?.name ?? '';
  const into = textOption(input, 'into');
  const accepts = flagOption(input, 'acceptSuspect') ? ['--accept-suspect'] : [];
  const words = ['dbadmin', 'restore', '--to-name', name, '--into', into ?? 'DIR', '--start', ...accepts];
  if (into === undefined) {
    output.line(`run: ${words.join(' ')}`);
    output.line(
      'then look at the clone, and put it in the place of the original only when the loss above is accepted (restore --as production)',
    );
    return { command: words };
  }
  await confirmOrStop(
    output,
    `Restore the whole cluster as at ${name} into ${path.resolve(context.cwd, into)}${loss === undefined ? '' : ', without what came later'}?`,
  );
  const { run: restore } = await import('../restore/restore.ts');
  const keep = ['config', 'cluster', 'url', 'repository', 'yes', 'json', 'quiet', 'verbose', 'port', 'acceptSuspect'].map(
    (key) => [key, input.options[key]] as const,
  );
  const options = { ...Object.fromEntries(keep), toName: name, into, start: true };
  // Its result is a part of ours.
  await restore({ ...context, output: { ...output, result: () => undefined } }, { args: [], options });
  return { command: words, restored: path.resolve(context.cwd, into) };
}

/**
 * The way asked for, or the first that is possible.
 *
 * @throws {DbadminError} `refused` when the one asked for is not possible.
 */
function chooseTier(input: CommandInput, tiers: Tiers, { losses }: InspectedRollback): TierName | undefined {
  const asked = TIERS.find((name) => name === textOption(input, 'tier'));
  if (asked === undefined) return TIERS.find((name) => tiers[name].possible);
  const byName = asked === 'rescue' && losses.length === 0 && listOption(input, 'objects').length > 0;
  if (tiers[asked].possible || byName) return asked;
  throw new DbadminError('refused', `there is no way back by ${asked}`, {
    detail: tiers[asked].why.join('\n'),
    hint: `Possible: ${TIERS.filter((name) => tiers[name].possible).join(', ') || 'none of the three'}.`,
  });
}

function showVersions(output: Output, { undo, versions, losses, unseen }: InspectedRollback, { cluster }: MigrateProject): void {
  const place = `${undo.server.database} on ${cluster.name}`;
  if (versions.length === 0) {
    output.line(`nothing in ${place} is newer than ${undo.stays}`);
    return;
  }
  output.line(`${count(versions.length, 'version')} of ${place} to go back over; ${undo.stays === '0' ? 'none' : undo.stays} stays`);
  for (const { name, row, runId } of versions) {
    output.line(
      `  ${name.padEnd(48)} applied ${row.finishedAt?.toISOString().slice(0, 19).replace('T', ' ') ?? ''} UTC by ${row.appliedBy}, run ${runId.slice(0, 8)}`,
    );
  }
  if (losses.length > 0) output.line('they took away');
  for (const { loss, gone, madeByRun } of losses) {
    const now = gone === false ? '   there is one of that name now' : '';
    output.line(`  ${describeLoss(loss)}${now}${madeByRun ? '   the same run had made it: its restore point does not have it' : ''}`);
  }
  if (unseen.length > 0) output.line('and perhaps more, which their text does not tell');
  for (const { what, by } of unseen) output.line(`  ${what} (${by})`);
}

function showTiers(output: Output, tiers: Tiers, chosen: TierName | undefined): void {
  output.line();
  for (const name of TIERS) {
    const { possible, why } = tiers[name];
    const [first = '', ...rest] = why;
    output.line(`${name.padEnd(8)}${output.style(possible ? 'good' : 'bad', (possible ? 'possible' : 'no').padEnd(10))}${first}`);
    for (const line of rest) output.line(`${' '.repeat(18)}${line}`);
  }
  if (chosen !== undefined) output.line(`way back: ${chosen}`);
}

function inspectedJson({ undo, versions, losses, unseen }: InspectedRollback): Record<string, unknown> {
  return {
    database: undo.server.database,
    versions: versions.map(({ version, name, row, runId, restorePoint }) => {
      return {
        version,
        file: name,
        appliedAt: row.finishedAt?.toISOString() ?? null,
        appliedBy: row.appliedBy,
        runId,
        restorePoint: restorePoint ?? null,
      };
    }),
    stays: undo.stays,
    losses: losses.map(({ loss, gone, madeByRun, runId }) => {
      return { what: lossName(loss), by: loss.by, gone: gone ?? null, madeByRun, run: runId };
    }),
    unseen,
  };
}

function tiersJson({ down, rescue, pitr: byPitr, loss }: Tiers): Record<string, unknown> {
  const { at, lastCommit, untilLsn, ...rest } = loss ?? { at: undefined, lastCommit: undefined, untilLsn: undefined };
  const pitrLoss =
    untilLsn === undefined
      ? null
      : { ...rest, at: at?.toISOString() ?? null, lastCommit: lastCommit?.toISOString() ?? null, untilLsn: formatLsn(untilLsn) };
  return { tiers: { down, rescue, pitr: byPitr }, pitrLoss };
}
