import { foresee, type ForeseenStatement } from '../../migrate/effects/foresee.ts';
import { inspectServer, type ServerFacts } from '../../migrate/session/inspect-server.ts';
import { observe, readFiles } from '../../migrate/inspect.ts';
import type { Finding } from '../../migrate/lint/finding.ts';
import { lintRun } from '../../migrate/lint/run.ts';
import { loadSqlParser } from '../../migrate/sql/parser.ts';
import { planMigrations, type MigrationPlan } from '../../migrate/plan.ts';
import { joinProblems } from '../../migrate/files/problems.ts';
import { forecast, type Forecast } from '../../migrate/rehearse/forecast.ts';
import { readRehearsal, rehearsalFile, type RehearsalRecord } from '../../migrate/rehearse/record.ts';
import { inspectRoutineDrift, type RoutineDrift } from '../../migrate/routine-drift/inspect.ts';
import type { PlanState } from '../../migrate/saved-plan/format.ts';
import { inspectPlanned, inspectPlanState, statementsOf } from '../../migrate/saved-plan/inspect.ts';
import type { CommandContext, CommandInput } from '../command.ts';
import { policyOf, withSession, type MigrateProject } from './load-migrations.ts';

/** All that a plan says, gathered. */
export interface FullPlan {
  readonly plan: MigrationPlan;
  readonly server: ServerFacts;
  /** One list for each versioned file, then one for each routine. */
  readonly foreseen: readonly (readonly ForeseenStatement[])[];
  readonly findings: readonly Finding[];
  readonly drift: readonly RoutineDrift[];
  readonly rehearsal: RehearsalRecord | undefined;
  /** Undefined when nothing is pending. */
  readonly forecast: Forecast | undefined;
  readonly state: PlanState;
}

/**
 * Looks at files, history, catalog and the last rehearsal. Changes nothing.
 *
 * @throws {DbadminError} `migration-invalid` and what else would stop `up`.
 */
export async function gatherPlan(context: CommandContext, input: CommandInput, project: MigrateProject): Promise<FullPlan> {
  const policy = policyOf(input);
  const parser = await loadSqlParser();
  const { config, cluster } = project;
  return await withSession(context, project, async (session) => {
    const server = await inspectServer(session);
    const observed = await observe(session, config.migrate.schema, await readFiles(project.directories));
    const plan = planMigrations(observed, policy, parser, context.clock.now());
    if (plan.problems.length > 0) throw joinProblems(plan.problems, `${plan.problems.length} problems with migrations; up would refuse`);
    const catalog = await inspectPlanned(session, server.major, plan, parser);
    const foreseen = foresee(statementsOf(plan), catalog, parser);
    const rehearsal = await readRehearsal(
      rehearsalFile(context.env, { project: config.directory, cluster: cluster.name, database: cluster.connection.database }),
    );
    return {
      plan,
      server,
      foreseen,
      findings: await lintRun({ plan, server, session }),
      drift: await inspectRoutineDrift(session, plan.routines, observed.storedBodies, parser),
      rehearsal,
      forecast: forecast(forecastFiles(plan, foreseen), rehearsal),
      state: await inspectPlanState({ plan, observed, server, session }, policy, parser),
    };
  });
}

/** The routines are one file here: they run in one transaction. */
function forecastFiles({ versioned, routines }: MigrationPlan, foreseen: FullPlan['foreseen']): Parameters<typeof forecast>[0] {
  const files = versioned.map(({ name, finished }, index) => {
    // What an interrupted run has done already blocks nobody any more.
    const statements = (foreseen[index] ?? []).filter(({ statement }) => !finished.has(statement.number));
    return { version: name.version, file: name.file, statements };
  });
  if (routines.length === 0) return files;
  return [...files, { version: undefined, file: 'routines', statements: foreseen.slice(versioned.length).flat() }];
}
