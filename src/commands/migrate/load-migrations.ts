import type { ClusterConfig, Config } from '../../config/config.ts';
import type { DbadminError } from '../../base/errors.ts';
import { inspectServer, type ServerFacts } from '../../migrate/session/inspect-server.ts';
import { observe, readFiles, type MigrationDirectories } from '../../migrate/inspect.ts';
import { loadSqlParser } from '../../migrate/sql/parser.ts';
import { planMigrations, type MigrationPlan, type Observed, type PlanPolicy } from '../../migrate/plan.ts';
import { serverError } from '../../migrate/session/sql-error.ts';
import { openSession, type Session } from '../../migrate/session/session.ts';
import { flagOption, type CommandContext, type CommandInput } from '../command.ts';
import { loadProject } from '../load-project.ts';

export interface MigrateProject {
  readonly config: Config;
  readonly cluster: ClusterConfig;
  readonly directories: MigrationDirectories;
}

/** The configuration, and where the files are. */
export async function loadMigrations(context: CommandContext, input: CommandInput): Promise<MigrateProject> {
  const { config, cluster } = await loadProject(context, input);
  const { migrations, routines } = config.paths;
  return { config, cluster, directories: { project: config.directory, migrations, routines } };
}

export function policyOf(input: CommandInput): PlanPolicy {
  return { outOfOrder: flagOption(input, 'outOfOrder'), missing: flagOption(input, 'allowMissing') };
}

/** What the files, the history and the server say now, and the plan that follows. */
export interface Inspected {
  readonly server: ServerFacts;
  readonly observed: Observed;
  readonly plan: MigrationPlan;
}

/** Looks at files, history and server, and plans. Changes nothing. */
export async function inspectAndPlan(context: CommandContext, project: MigrateProject, policy: PlanPolicy): Promise<Inspected> {
  return await withSession(context, project, async (session) => {
    const parser = await loadSqlParser();
    const server = await inspectServer(session);
    const observed = await observe(session, project.config.migrate.schema, await readFiles(project.directories));
    return { server, observed, plan: planMigrations(observed, policy, parser, context.clock.now()) };
  });
}

export async function withSession<Value>(
  context: CommandContext,
  { cluster }: MigrateProject,
  work: (session: Session) => Promise<Value>,
): Promise<Value> {
  const session = await openSession(cluster.connection, { applicationName: 'dbadmin migrate' });
  try {
    return await work(session);
  } catch (error) {
    throw serverError(error, session.lost());
  } finally {
    await session.close();
  }
}

/** A problem as `--json` shows it. */
export function problemJson(problem: DbadminError): Record<string, unknown> {
  const { code, message, detail, hint } = problem;
  return { code, message, detail: detail ?? null, hint: hint ?? null };
}

/** Made once: `toLocaleString` makes one for each number, which takes longer than sending a statement. */
const NUMBERS = new Intl.NumberFormat('en');

/** `1 file`, `3 files`. */
export function count(number: number, one: string, many = `${one}s`): string {
  return `${NUMBERS.format(number)} ${number === 1 ? one : many}`;
}
