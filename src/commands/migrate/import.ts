import path from 'node:path';
import { parseDuration } from '../../base/durations.ts';
import { DbadminError } from '../../base/errors.ts';
import { inspectImport, runImport } from '../../migrate/import/run.ts';
import type { ImportPlan } from '../../migrate/import/plan.ts';
import { readFiles } from '../../migrate/inspect.ts';
import { SOURCES, type SourceName } from '../../migrate/import/source.ts';
import { loadSqlParser } from '../../migrate/sql/parser.ts';
import { writeLock } from '../../migrate/schema/lock-file-apply.ts';
import { joinProblems } from '../../migrate/files/problems.ts';
import { flagOption, textOption, type CommandContext, type CommandInput } from '../command.ts';
import { confirmOrStop, type Output } from '../output.ts';
import { gitCommit } from './git-commit.ts';
import { count, loadMigrations, withSession } from './load-migrations.ts';

export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const { output, clock, log, signal } = context;
  const project = await loadMigrations(context, input);
  const { config, directories, cluster } = project;
  const directory = textOption(input, 'dir');
  const request = {
    from: sourceOf(textOption(input, 'from')),
    directory: directory === undefined ? undefined : path.resolve(context.cwd, directory),
    table: textOption(input, 'table'),
    schema: config.migrate.schema,
    directories,
    tests: config.paths.tests,
  };
  const parser = await loadSqlParser();
  return await withSession(context, project, async (session) => {
    const plan = await inspectImport(session, request, parser);
    if (plan.problems.length > 0) throw joinProblems(plan.problems, `${plan.problems.length} problems; nothing was imported`);
    const todo = [...plan.entries, ...plan.routines].filter(({ writes, records }) => writes || records);
    show(output, plan);
    const nothing = todo.length + plan.tests.length === 0;
    if (nothing) output.line(`nothing to import: all of ${plan.table} is in the history of ${cluster.connection.database}`);
    const applies = !nothing && !flagOption(input, 'dryRun');
    if (applies) {
      await confirmOrStop(output, `Import into the history of ${cluster.connection.database} on ${cluster.name}?`);
      const lock = { waitMs: parseDuration('1m'), clock, random: Math.random, log, signal };
      await runImport(
        session,
        { ...request, ...lock, toolVersion: context.version, gitCommit: await gitCommit(directories.project) },
        parser,
      );
      await writeLock(directories, await readFiles(directories));
      output.line("imported; the other tool's table is as it was. Look at it with: dbadmin migrate status --all");
    }
    output.result(toJson(plan, applies));
    return 0;
  });
}

function sourceOf(text: string | undefined): SourceName | undefined {
  if (text === undefined) return undefined;
  const source = SOURCES.find((each) => each === text);
  if (source === undefined) throw new DbadminError('usage', `--from takes ${SOURCES.join(', ')}, not "${text}"`);
  return source;
}

function show(output: Output, { tool, table, entries, routines, tests, warnings }: ImportPlan): void {
  const todo = entries.filter(({ writes, records }) => writes || records);
  const again = routines.filter(({ writes, records }) => writes || records);
  for (const warning of warnings) output.warn(warning);
  if (todo.length + again.length + tests.length === 0) return;
  const of = (kind: string): number => entries.filter((entry) => entry.kind === kind).length;
  output.line(
    `${tool.product}, ${table}: ${count(of('applied'), 'applied file')}, ${of('baseline')} without a text, ${of('pending')} still to apply`,
  );
  output.table(
    [tool.product, 'becomes', 'as', 'applied (UTC)', 'by'],
    todo.map(({ source, name, kind, row, writes, records }) => [
      source,
      name,
      [
        ...(records ? [kind === 'baseline' ? 'a row alone' : 'a row'] : []),
        ...(writes ? [kind === 'pending' ? 'a file to apply' : 'a file'] : []),
      ].join(' and '),
      row?.finishedAt?.toISOString().slice(0, 19).replace('T', ' ') ?? '',
      row?.appliedBy ?? '',
    ]),
  );
  for (const { source, name, row } of again)
    output.line(`${source} becomes the routine ${name}${row === undefined ? ', which up applies' : ', as it is applied'}`);
  for (const { name } of tests) output.line(`a verify script becomes the test ${name}`);
}

function toJson({ tool, table, entries, routines, tests, warnings }: ImportPlan, imported: boolean): Record<string, unknown> {
  return {
    from: tool.name,
    table,
    imported,
    migrations: entries.map(({ source, version, name, kind, writes, records, row }) => {
      return { source, version, file: kind === 'baseline' ? null : name, kind, writes, records, appliedAt: row?.finishedAt ?? null };
    }),
    routines: routines.map(({ source, name, writes, records }) => ({ source, name, writes, records })),
    tests: tests.map(({ name }) => name),
    warnings,
  };
}
