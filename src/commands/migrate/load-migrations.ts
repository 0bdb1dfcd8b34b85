import type { ClusterConfig, Config } from '../../config/config.ts';
import type { DbadminError } from '../../base/errors.ts';
import { inspectServer, type ServerFacts } from '../../migrate/session/inspect-server.ts';
import { observe, readFiles, type MigrationDirectories } from '../../migrate/inspect.ts';
import { loadSqlParser, NO_PARSER } from '../../migrate/sql/parser.ts';
import { hasSomethingToParse, planMigrations, type MigrationPlan, type Observed, type PlanPolicy } from '../../migrate/plan.ts';
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
  // While the server answers.
  const reading = readFiles(project.directories);
  reading.catch(() => undefined);
  return await withSession(context, project, async (session) => {
    const server = await inspectServer(session);
    const observed = await observe(session, project.config.migrate.schema, await reading);
    const parser = hasSomethingToParse(observed) ? await loadSqlParser() : NO_PARSER;
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

let numbers: Intl.NumberFormat | undefined;

/** `1 file`, `3 files`. */
export function count(number: number, one: string, many = `${one}s`): string {
  return `${digits(number)} ${number === 1 ? one : many}`;
}

/**
 * As `toLocaleString` has it, which makes a format for each number: that takes longer than sending a statement. Making the one takes
 * longer than loading what `up` with nothing to do needs, so it is made for the first number that wants separators.
 */
function digits(number: number): string {
  if (Number.isInteger(number) && Math.abs(number) < 1000) return String(number);
  return (numbers ??= new Intl.NumberFormat('en')).format(number);
}
