import { randomUUID } from 'node:crypto';
import { DbadminError } from '../../base/errors.ts';
import { parseDuration } from '../../base/durations.ts';
import { baselineDifferences, planBaseline } from '../../migrate/repair/baseline-plan.ts';
import { ensureHistory } from '../../migrate/history/ensure.ts';
import { inspectServer, type ServerFacts } from '../../migrate/session/inspect-server.ts';
import { readFiles, readHistory } from '../../migrate/inspect.ts';
import { loadSqlParser } from '../../migrate/sql/parser.ts';
import { joinProblems } from '../../migrate/files/problems.ts';
import { underLock } from '../../migrate/repair/run.ts';
import { recordDecision } from '../../migrate/history/repair-rows.ts';
import type { Difference } from '../../migrate/schema/difference.ts';
import { dumpSchema } from '../../migrate/schema/dump-run.ts';
import { replayUpTo } from '../../migrate/schema/replay-run.ts';
import { durationOption, flagOption, type CommandContext, type CommandInput } from '../command.ts';
import { confirmOrStop } from '../output.ts';
import { gitCommit } from './git-commit.ts';
import { count, loadMigrations, withSession, type MigrateProject } from './load-migrations.ts';
import { reasonOf } from './reason.ts';
import { withReplay } from './scratch.ts';
import { showDifferences } from './show-differences.ts';

export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const { output, clock, log, signal } = context;
  const [version = '', ...words] = input.args;
  const force = flagOption(input, 'force');
  const reason = force ? reasonOf(words, 'baseline VERSION --force') : words.join(' ');
  const project = await loadMigrations(context, input);
  const { schema } = project.config.migrate;
  const files = await readFiles(project.directories);
  if (files.problems.length > 0) throw joinProblems(files.problems, `${files.problems.length} problems with migrations`);
  const { server, rows } = await withSession(context, project, async (session) => {
    return { server: await inspectServer(session), rows: planBaseline(version, files.migrations, await readHistory(session, schema)) };
  });
  refuseStandby(server);
  const differences = force ? undefined : await compare(context, input, project, server, version);
  const what = `${server.database} on ${project.cluster.name}`;
  if (differences !== undefined && differences.length > 0) {
    showDifferences(output, differences);
    throw new DbadminError('refused', `${what} is not what the files up to ${version} make: ${count(differences.length, 'difference')}`, {
      detail: differences
        .map(
          ({ change, type, name }) =>
            `${change === 'added' ? 'only in the database' : change === 'removed' ? 'not in the database' : 'differs'}: ${type} ${name}`,
        )
        .join('\n'),
      hint: 'Let a file say what the database has, or bring the database to what the files say. To begin with the difference: --force -- REASON',
    });
  }
  if (differences !== undefined) output.line(`${what} is what the ${count(rows.length, 'file')} up to ${version} make`);
  else output.warn(`nothing was compared: whatever ${what} lacks of the files up to ${version} will never be made there`);
  await confirmOrStop(output, `Record ${count(rows.length, 'file')} as applied to ${what}, running nothing?`);
  const runId = randomUUID();
  const commit = await gitCommit(project.directories.project);
  const lock = { waitMs: durationOption(input, 'lockWait') ?? parseDuration('5m'), clock, random: Math.random, log, signal };
  await withSession(
    context,
    project,
    async (session) =>
      await underLock(session, lock, async () => {
        // Somebody may have begun a history since it was looked at.
        planBaseline(version, files.migrations, await readHistory(session, schema));
        await ensureHistory(session, schema, { ...server, toolVersion: context.version });
        await recordDecision(session, {
          schema,
          runId,
          toolVersion: context.version,
          gitCommit: commit,
          reason: reason === '' ? 'compared with the live schema' : reason,
          rows,
        });
      }),
  );
  output.line(`${count(rows.length, 'file')} up to ${version} recorded as the baseline of ${what}`);
  output.note('See what comes next: dbadmin migrate plan');
  output.result({ database: server.database, runId, versions: rows.map((row) => row.version), compared: !force });
  return 0;
}

async function compare(
  context: CommandContext,
  input: CommandInput,
  project: MigrateProject,
  server: ServerFacts,
  version: string,
): Promise<readonly Difference[]> {
  const { env, signal } = context;
  const { major } = server;
  const { connection } = project.cluster;
  const live = await dumpSchema({ connection, historySchema: project.config.migrate.schema, major, env, signal });
  const { versioned, withRoutines } = await withReplay(
    context,
    input,
    project,
    major,
    async (options) => await replayUpTo(options, version),
  );
  return baselineDifferences(versioned.schema, withRoutines, live, await loadSqlParser());
}

function refuseStandby({ isStandby, database }: ServerFacts): void {
  if (!isStandby) return;
  throw new DbadminError('refused', `${database} is on a standby, which cannot be changed`, { hint: 'Name the primary.' });
}
