import path from 'node:path';
import { DbadminError } from '../../base/errors.ts';
import { displayPath, listSql, readSql } from '../../migrate/inspect.ts';
import { loadSqlParser } from '../../migrate/sql/parser.ts';
import { joinProblems } from '../../migrate/files/problems.ts';
import { parseTestFile, type TestFile } from '../../migrate/test/plan.ts';
import { junitReport, tapReport } from '../../migrate/test/report.ts';
import { runTests } from '../../migrate/test/run.ts';
import type { TestResult } from '../../migrate/test/result.ts';
import type { ConnectionParameters } from '../../postgres/parameters.ts';
import { flagOption, textOption, type CommandContext, type CommandInput } from '../command.ts';
import { loadMigrations, type MigrateProject } from './load-migrations.ts';
import { refuseProduction } from './seed.ts';
import { showTest, showTests } from './show-tests.ts';
import { withTestDatabase } from './test-database.ts';

const EXIT_FAILED = 1;

export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const { output, clock, log, signal } = context;
  const project = await loadMigrations(context, input);
  const live = flagOption(input, 'live');
  const format = textOption(input, 'format') ?? 'text';
  if (live && textOption(input, 'scratch') !== undefined) throw new DbadminError('usage', '--live and --scratch exclude each other');
  if (live) refuseProduction(project.cluster, 'tests are not run in it');
  const files = await readTests(project, input.args, context.cwd);
  if (files.length === 0) output.note(`there are no tests in ${displayPath(project.directories, project.config.paths.tests)}`);
  const test = async (connection: ConnectionParameters): Promise<readonly TestResult[]> =>
    await runTests(files, {
      connection,
      lockTimeoutMs: project.config.migrate.lockTimeoutMs,
      clock,
      log,
      signal,
      onResult: (result) => (format === 'text' ? showTest(output, result) : undefined),
    });
  const results =
    files.length === 0 ? [] : live ? await test(project.cluster.connection) : await withTestDatabase(context, input, project, files, test);
  if (format === 'tap' && !output.json) output.raw(tapReport(results));
  if (format === 'junit' && !output.json) output.raw(junitReport(results));
  const where = live ? `${project.cluster.connection.database} on ${project.cluster.name}` : 'a scratch database';
  return showTests(output, results, { where, kind: live ? 'live' : 'scratch', text: format === 'text' }) ? 0 : EXIT_FAILED;
}

/** The tests asked for, all of them parsed before the first one runs. */
async function readTests({ config, directories }: MigrateProject, named: readonly string[], cwd: string): Promise<readonly TestFile[]> {
  const { tests } = config.paths;
  const locations =
    named.length > 0
      ? named.map((each) => path.resolve(cwd, each))
      : (await listSql(tests, true)).toSorted().map((each) => path.join(tests, each));
  const parser = await loadSqlParser();
  const problems: DbadminError[] = [];
  const files = locations.flatMap((location) => {
    try {
      return [parseTestFile(readSql(location, displayPath(directories, location)), parser)];
    } catch (error) {
      if (!(error instanceof DbadminError) || error.code === 'internal') throw error;
      problems.push(error);
      return [];
    }
  });
  if (problems.length > 0) throw joinProblems(problems, `${problems.length} problems with tests; none was run`);
  return files;
}
