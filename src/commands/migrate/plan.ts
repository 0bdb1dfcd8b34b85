import path from 'node:path';
import { messageOf } from '../../base/errors.ts';
import { writePlanFile } from '../../base/plan-file.ts';
import { shellWord } from '../../base/shell-word.ts';
import { formatSavedPlan } from '../../migrate/saved-plan/format.ts';
import { flagOption, textOption, type CommandContext, type CommandInput } from '../command.ts';
import { inspectNewest, type Newest } from './newest-backup.ts';
import { gatherPlan } from './gather-plan.ts';
import { count, loadMigrations, type MigrateProject } from './load-migrations.ts';
import { runRepositories } from './run-repositories.ts';
import { planJson, showPlan } from './show-plan.ts';

const EXIT_PENDING = 2;

export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const { output, clock } = context;
  const project = await loadMigrations(context, input);
  const full = await gatherPlan(context, input, project);
  const { plan, server, state } = full;
  const isPending = plan.versioned.length + plan.routines.length > 0;
  const newest = isPending ? await newestBackup(context, input, project) : undefined;
  for (const warning of plan.warnings) output.warn(warning);
  if (isPending) {
    output.line(
      `${count(plan.versioned.length, 'versioned file')} and ${count(plan.routines.length, 'routine')} to apply to ${server.database} on ${project.cluster.name}`,
    );
    showPlan(output, full, { diff: flagOption(input, 'diff'), now: clock.now(), newest });
  } else output.line(`${server.database} on ${project.cluster.name} is up to date`);
  const out = textOption(input, 'out');
  if (out !== undefined) {
    const made = { at: clock.now(), tool: context.version, cluster: project.cluster.name };
    await writePlanFile(path.resolve(context.cwd, out), formatSavedPlan(state, made));
    output.line(`saved in ${out}: dbadmin migrate up --plan ${shellWord(out)} applies this or nothing`);
  }
  output.result({ ...planJson(full, { out, now: clock.now() }), backup: backupJson(newest) });
  return isPending ? EXIT_PENDING : 0;
}

/** Undefined for a cluster without repositories. */
async function newestBackup(context: CommandContext, input: CommandInput, project: MigrateProject): Promise<Newest | undefined> {
  const repositories = runRepositories(context, input, project);
  try {
    return project.cluster.repositories.length === 0 ? undefined : await inspectNewest(repositories, context.clock.now());
  } catch (error) {
    context.signal.throwIfAborted();
    return { backup: undefined, provenAt: undefined, problems: [messageOf(error)] };
  } finally {
    await repositories.close();
  }
}

function backupJson(newest: Newest | undefined): object | null {
  if (newest?.backup === undefined) return null;
  const { label, repository, at } = newest.backup;
  const provenAt = newest.provenAt === undefined ? null : new Date(newest.provenAt).toISOString();
  return { label, repository, at: new Date(at).toISOString(), provenAt };
}
