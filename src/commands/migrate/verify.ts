import { readFile } from 'node:fs/promises';
import { DbadminError, messageOf, systemCodeOf } from '../../base/errors.ts';
import { formatDuration } from '../../base/durations.ts';
import { inspectServer, type ServerFacts } from '../../migrate/session/inspect-server.ts';
import { loadSqlParser, type SqlParser } from '../../migrate/sql/parser.ts';
import { compareSchemas } from '../../migrate/schema/compare.ts';
import type { Difference } from '../../migrate/schema/difference.ts';
import { majorOf } from '../../migrate/schema/dump.ts';
import { dumpSchema } from '../../migrate/schema/dump-run.ts';
import { schemaPath, schemaShown } from '../../migrate/schema/refresh-run.ts';
import { replay } from '../../migrate/schema/replay-run.ts';
import { flagOption, textOption, type CommandContext, type CommandInput } from '../command.ts';
import { count, loadMigrations, withSession, type MigrateProject } from './load-migrations.ts';
import { withReplay } from './scratch.ts';
import { seedScratch } from './test-database.ts';
import { showDifferences } from './show-differences.ts';

const EXIT_DRIFT = 2;

export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const { output, clock } = context;
  const project = await loadMigrations(context, input);
  const kept = await readKept(project);
  const live = flagOption(input, 'live') ? await inspectLive(context, project) : undefined;
  const startedMs = clock.now().getTime();
  const wanted = majorOption(input) ?? live?.server.major ?? (kept === undefined ? undefined : majorOf(kept));
  const { made, major } = await withReplay(context, input, project, wanted, async (options) => {
    let seeds = 0;
    const seed = async (): Promise<void> => {
      if (textOption(input, 'seed') !== undefined) seeds = await seedScratch(context, input, project, options.scratch);
    };
    const replayed = await replay(options, seed);
    return { made: { ...replayed, seeds }, major: options.major };
  });
  const parts = [
    count(made.migrations, 'migration'),
    count(made.routines, 'routine'),
    ...(made.seeds > 0 ? [count(made.seeds, 'seed')] : []),
  ];
  const files = `${parts.slice(0, -1).join(', ')} and ${parts.at(-1) ?? ''}`;
  output.line(`${files} replayed on an empty PostgreSQL ${major} in ${formatDuration(clock.now().getTime() - startedMs)}`);
  const parser = await loadSqlParser();
  const shown = schemaShown(project.directories);
  const file = compareKept(context, kept, shown, made.schema, major, parser);
  const drift = live === undefined ? undefined : compareSchemas(made.schema, live.schema, parser);
  if (live !== undefined && drift !== undefined) {
    report(context, `${live.server.database} on ${project.cluster.name}`, drift, 'the files make', 'the database has');
    if (live.server.major !== major)
      output.warn(`the database is PostgreSQL ${live.server.major}: views and functions may be written otherwise there`);
  }
  output.result({
    migrations: made.migrations,
    routines: made.routines,
    seeds: made.seeds,
    major,
    schemaFile: file === undefined ? null : { file: shown, differences: file },
    live: live === undefined ? null : { database: live.server.database, major: live.server.major, differences: drift },
  });
  return (file?.length ?? 0) + (drift?.length ?? 0) > 0 ? EXIT_DRIFT : 0;
}

function compareKept(
  context: CommandContext,
  kept: string | undefined,
  shown: string,
  made: string,
  major: number,
  parser: SqlParser,
): readonly Difference[] | undefined {
  const { output } = context;
  if (kept === undefined) {
    output.warn(`there is no ${shown} to compare with: dbadmin migrate dump writes it from a migrated database`);
    return undefined;
  }
  const differences = compareSchemas(kept, made, parser, shown);
  report(context, shown, differences, 'the file has', 'the migrations make');
  const keptMajor = majorOf(kept);
  if (keptMajor !== undefined && keptMajor !== major) output.warn(`${shown} is of PostgreSQL ${keptMajor}, the replay of ${major}`);
  return differences;
}

function report({ output }: CommandContext, what: string, differences: readonly Difference[], first: string, second: string): void {
  if (differences.length === 0) {
    output.line(`${output.style('good', 'ok')}     ${what} is what the files make`);
    return;
  }
  output.line(
    `${output.style('bad', 'drift')}  ${what} is not what the files make: ${count(differences.length, 'difference')} (- only ${first}, + only ${second})`,
  );
  showDifferences(output, differences);
}

async function readKept({ directories }: MigrateProject): Promise<string | undefined> {
  try {
    return await readFile(schemaPath(directories), 'utf8');
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return undefined;
    throw new DbadminError('file-unreadable', `cannot read ${schemaShown(directories)}`, { detail: messageOf(error), cause: error });
  }
}

async function inspectLive(
  context: CommandContext,
  project: MigrateProject,
): Promise<{ readonly server: ServerFacts; readonly schema: string }> {
  const server = await withSession(context, project, inspectServer);
  const { env, signal } = context;
  const { connection } = project.cluster;
  const schema = await dumpSchema({ connection, historySchema: project.config.migrate.schema, major: server.major, env, signal });
  return { server, schema };
}

function majorOption(input: CommandInput): number | undefined {
  const text = textOption(input, 'major');
  if (text === undefined) return undefined;
  if (/^\d\d$/.test(text)) return Number(text);
  throw new DbadminError('usage', `--major ${text}: not a major version`, { hint: 'Give two digits: --major 17.' });
}
