import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { formatDuration } from '../../base/durations.ts';
import { DbadminError, messageOf, systemCodeOf } from '../../base/errors.ts';
import { printable } from '../../base/printable.ts';
import { openClient } from '../../postgres/client.ts';
import { parseRolesDocument } from '../../roles/document/parse.ts';
import { APPLICATION_NAME } from '../../roles/inspect.ts';
import { inspectRecord, type RecordedRun } from '../../roles/inspect-record.ts';
import { textOption, type CommandContext, type CommandInput } from '../command.ts';
import { loadProject } from '../load-project.ts';
import type { Output } from '../output.ts';

/** `dbadmin roles history`: what the cluster itself has written down about applies and rotations. */
export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const { output } = context;
  const limit = numberOption(input, 'limit') ?? '20';
  const wanted = numberOption(input, 'run');
  const { config, cluster } = await loadProject(context, input);
  const database = textOption(input, 'maintenanceDb') ?? (await declaredDatabase(config.paths.roles, context.cwd)) ?? 'postgres';
  const sql = await openClient({ ...cluster.connection, database }, { applicationName: APPLICATION_NAME });
  try {
    const runs = (await inspectRecord(sql, { limit: Number(limit), run: wanted })) ?? [];
    if (wanted !== undefined && runs.length === 0)
      throw new DbadminError('usage', `there is no run ${wanted} in the record of ${database}`);
    if (runs.length === 0) output.line(`nothing is recorded in database ${database}`);
    else if (wanted === undefined) showRuns(output, runs);
    else for (const each of runs) showRun(output, each);
    output.result({ cluster: cluster.name, database, runs: runs.map((each) => runJson(each, wanted !== undefined)) });
    return 0;
  } finally {
    await sql.end({ timeout: 5 });
  }
}

/** The maintenance database that the roles file names; undefined without a file. */
async function declaredDatabase(file: string, cwd: string): Promise<string | undefined> {
  try {
    return parseRolesDocument(await readFile(file, 'utf8'), path.relative(cwd, file) || file).maintenanceDatabase;
  } catch (error) {
    if (error instanceof DbadminError) throw error;
    if (systemCodeOf(error) === 'ENOENT') return undefined;
    throw new DbadminError('file-unreadable', `cannot read ${file}`, { detail: messageOf(error), cause: error });
  }
}

function numberOption(input: CommandInput, name: string): string | undefined {
  const text = textOption(input, name);
  if (text === undefined || /^[1-9]\d{0,8}$/.test(text)) return text;
  throw new DbadminError('usage', `--${name} is "${text}"; it takes a whole number from 1 on`);
}

function showRuns(output: Output, runs: readonly RecordedRun[]): void {
  output.table(
    [
      { head: 'run', align: 'right' },
      'began (UTC)',
      'outcome',
      { head: 'changes', align: 'right' },
      { head: 'took', align: 'right' },
      'role',
      'by',
      'file',
    ],
    runs.map((each) => [
      each.run,
      instantText(each.beganAt),
      output.style(styleOf(each), each.outcome),
      String(each.changes),
      each.tookMs === undefined ? '' : formatDuration(each.tookMs),
      printable(each.role),
      printable(each.by),
      printable(each.file),
    ]),
  );
}

function showRun(output: Output, each: RecordedRun): void {
  const from = each.address === undefined ? '' : ` from ${each.address}`;
  output.line(printable(`run ${each.run}: ${each.outcome}, ${each.changes} change${each.changes === 1 ? '' : 's'} of ${each.file}`));
  output.line(printable(`began ${instantText(each.beganAt)} UTC as ${each.role}${from}, by ${each.by} with ${each.tool}`));
  if (each.endedAt !== undefined) {
    const took = each.tookMs === undefined ? '' : `, after ${formatDuration(each.tookMs)}`;
    output.line(printable(`ended ${instantText(each.endedAt)} UTC${took}: ${each.message ?? ''}`));
  }
  output.line(`plan ${each.planSha256}`);
  for (const statement of each.statements) output.line(`  ${printable(statement)};`);
}

function styleOf({ outcome }: RecordedRun): 'good' | 'bad' | 'warn' {
  return outcome === 'done' ? 'good' : outcome === 'running' ? 'warn' : 'bad';
}

function instantText(at: Date): string {
  return at.toISOString().slice(0, 19).replace('T', ' ');
}

function runJson(each: RecordedRun, withStatements: boolean): Record<string, unknown> {
  return {
    run: Number(each.run),
    beganAt: each.beganAt.toISOString(),
    endedAt: each.endedAt?.toISOString() ?? null,
    outcome: each.outcome,
    role: each.role,
    address: each.address ?? null,
    by: each.by,
    tool: each.tool,
    file: each.file,
    plan: each.planSha256,
    changes: each.changes,
    tookMs: each.tookMs ?? null,
    message: each.message ?? null,
    ...(withStatements ? { statements: each.statements } : {}),
  };
}
