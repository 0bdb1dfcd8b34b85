import { access, readdir } from 'node:fs/promises';
import { describeState } from '../../migrate/state.ts';
import { STRICT } from '../../migrate/plan.ts';
import type { ClusterConfig, Config } from '../../config/config.ts';
import { countRisks, describeChange } from '../../roles/describe.ts';
import type { Known, MigrationFacts, RoleFacts } from '../../status/facts.ts';
import type { CommandContext } from '../command.ts';
import { inspectAndPlan as planMigrations } from '../migrate/load-migrations.ts';
import { inspectAndPlan as planRoles, loadRoles } from '../roles/load-roles.ts';
import { attempt } from './attempt.ts';

/** How the migrations stand; undefined for a project without any. */
export async function gatherMigrations(
  context: CommandContext,
  config: Config,
  cluster: ClusterConfig,
  away: Known<never> | undefined,
): Promise<Known<MigrationFacts> | undefined> {
  const { migrations, routines } = config.paths;
  if (!(await holdsSql(migrations)) && !(await holdsSql(routines))) return undefined;
  if (away !== undefined) return away;
  return await attempt(async () => {
    const directories = { project: config.directory, migrations, routines };
    const { observed, plan, server } = await planMigrations(context, { config, cluster, directories }, STRICT);
    const { counts } = describeState(observed, plan);
    return {
      database: server.database,
      applied: counts.applied,
      pending: counts.pending,
      // Each that is changed or gone is a problem of the plan, too; where the whole directory is gone, all of them are one.
      problems: Math.max(counts.changed + counts.missing, plan.problems.length),
      routines: counts.routines,
    };
  });
}

/** Whether the cluster is as its roles file says; undefined for a project without one. */
export async function gatherRoles(
  context: CommandContext,
  config: Config,
  cluster: ClusterConfig,
  away: Known<never> | undefined,
): Promise<Known<RoleFacts> | undefined> {
  if (!(await isThere(config.paths.roles))) return undefined;
  if (away !== undefined) return away;
  return await attempt(async () => {
    const options = config.file === undefined ? {} : { config: config.file };
    const project = await loadRoles(silent(context), { args: [], options: { ...options, cluster: cluster.name } });
    const { plan } = await planRoles(context, { ...project, connection: cluster.connection, cluster });
    return { drift: plan.changes.length, destructive: countRisks(plan.changes.map(describeChange)).destroy };
  });
}

/** What there is to warn of was said when the project was loaded. */
function silent(context: CommandContext): CommandContext {
  return { ...context, log: { ...context.log, warn: () => undefined } };
}

async function holdsSql(directory: string): Promise<boolean> {
  const names = await readdir(directory, { recursive: true }).catch(() => []);
  return names.some((name) => name.endsWith('.sql'));
}

async function isThere(file: string): Promise<boolean> {
  return await access(file).then(
    () => true,
    () => false,
  );
}
