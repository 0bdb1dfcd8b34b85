import { DbadminError, messageOf } from '../../base/errors.ts';
import { inspectServer } from '../../migrate/session/inspect-server.ts';
import { DEFAULT_RETRY } from '../../migrate/session/retry.ts';
import { newestServerMajor } from '../../migrate/schema/place-inspect.ts';
import { withReplayed } from '../../migrate/schema/replay-run.ts';
import { withScratch, type ScratchPlace } from '../../migrate/schema/scratch-run.ts';
import { readEnvironments } from '../../migrate/seeds/inspect.ts';
import { runSeeds } from '../../migrate/seeds/run.ts';
import type { TestFile } from '../../migrate/test/plan.ts';
import { openClient } from '../../postgres/client.ts';
import type { ConnectionParameters } from '../../postgres/parameters.ts';
import { textOption, type CommandContext, type CommandInput } from '../command.ts';
import { loadProject } from '../load-project.ts';
import { count, withSession, type MigrateProject } from './load-migrations.ts';

const USUAL_SEEDS = 'test';

/** Does `work` with a scratch database that has all migrations, routines and test seeds. Nothing of it stays. */
export async function withTestDatabase<Value>(
  context: CommandContext,
  input: CommandInput,
  project: MigrateProject,
  tests: readonly TestFile[],
  work: (connection: ConnectionParameters) => Promise<Value>,
): Promise<Value> {
  const { output, env, clock, log, signal, version } = context;
  const { directories, config, cluster } = project;
  const { place, major } = await choosePlace(context, input, project);
  return await withScratch(place, cluster.connection.database, env, async (scratch) => {
    const options = { scratch, major, directories, historySchema: config.migrate.schema, toolVersion: version, env, clock, log, signal };
    return await withReplayed(options, async ({ migrations, routines }) => {
      const seeds = await seedScratch(context, input, project, scratch);
      output.note(
        `scratch database on PostgreSQL ${major}: ${count(migrations, 'migration')}, ${count(routines, 'routine')}, ${count(seeds, 'seed')}`,
      );
      if (tests.some(({ file }) => USES_PGTAP.test(file.text))) await makePgtap(scratch, (text) => log.warn(text));
      return await work(scratch);
    });
  });
}

const USES_PGTAP = /\b(no_plan|plan|runtests)\s*\(/i;

async function choosePlace(
  context: CommandContext,
  input: CommandInput,
  project: MigrateProject,
): Promise<{ readonly place: ScratchPlace; readonly major: number }> {
  const url = textOption(input, 'scratch');
  if (url === undefined) {
    const stated = textOption(input, 'major');
    if (stated !== undefined && !/^\d{2}$/.test(stated))
      throw new DbadminError('usage', `--major ${stated} is not a major version such as 17`);
    const major = stated === undefined ? await newestServerMajor(context.env) : Number(stated);
    return { place: { kind: 'own', major }, major };
  }
  const { cluster } = await loadProject(context, { ...input, options: { ...input.options, url } });
  const { connection } = cluster;
  if (project.cluster.production && JSON.stringify(connection.hosts) === JSON.stringify(project.cluster.connection.hosts)) {
    throw new DbadminError('refused', '--scratch leads to the cluster that is marked as production');
  }
  const { major } = await withSession(context, { ...project, cluster }, inspectServer);
  return { place: { kind: 'server', connection }, major };
}

/** Puts the seeds of `--seed`, or of the environment test where it has any, into a scratch database. Gives how many. */
export async function seedScratch(
  { clock, log, signal, version }: CommandContext,
  input: CommandInput,
  { directories, config }: MigrateProject,
  scratch: ConnectionParameters,
): Promise<number> {
  const { seeds } = config.paths;
  const asked = textOption(input, 'seed');
  if (asked === undefined && !(await readEnvironments(seeds)).includes(USUAL_SEEDS)) return 0;
  const done = await runSeeds({
    connection: scratch,
    schema: config.migrate.schema,
    lockTimeoutMs: config.migrate.lockTimeoutMs,
    directories: { project: directories.project, seeds },
    environment: asked ?? USUAL_SEEDS,
    toolVersion: version,
    gitCommit: undefined,
    retry: DEFAULT_RETRY,
    waitMs: 0,
    clock,
    random: Math.random,
    log,
    signal,
  });
  return done.seeds.length;
}

/** In the scratch database only, and only where the machine has it: without it the tests say what they lack. */
async function makePgtap(scratch: ConnectionParameters, warn: (text: string) => void): Promise<void> {
  const sql = await openClient(scratch, { path: 'own' });
  try {
    const [available] = await sql`select from pg_catalog.pg_available_extensions where name = 'pgtap'`;
    if (available !== undefined) await sql`create extension if not exists pgtap`;
  } catch (error) {
    warn(`pgTAP cannot be made in the scratch database: ${messageOf(error)}`);
  } finally {
    await sql.end({ timeout: 1 });
  }
}
