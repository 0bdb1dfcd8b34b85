import { DbadminError } from '../../base/errors.ts';
import { openClient } from '../../postgres/client.ts';
import { csvRecord } from '../../spotify/view/csv.ts';
import { listRelations, viewRows, type ViewedRows } from '../../spotify/view/inspect.ts';
import { flagOption, textOption, type CommandContext, type CommandInput } from '../command.ts';
import { loadProject } from '../load-project.ts';

const SHOWN_ROWS = 20;
const SHOWN_LETTERS = 40;

export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const [table] = input.args;
  const isCsv = flagOption(input, 'csv');
  if (isCsv && table === undefined) throw new DbadminError('usage', '--csv needs a table', { hint: 'dbadmin spotify view lists them.' });
  const { cluster } = await loadProject(context, input);
  const sql = await openClient(cluster.connection, { applicationName: 'dbadmin spotify view' });
  try {
    if (table === undefined) return await showRelations(context, sql);
    const options = {
      where: textOption(input, 'where'),
      order: textOption(input, 'order'),
      limit: limitOption(input, isCsv ? undefined : SHOWN_ROWS),
    };
    await viewRows(sql, table, options, async (rows) => {
      if (isCsv) await writeCsv(context, rows);
      else await showRows(context, table, rows, options.limit);
    });
    return 0;
  } finally {
    await sql.end({ timeout: 5 });
  }
}

async function showRelations({ output }: CommandContext, sql: Parameters<typeof listRelations>[0]): Promise<number> {
  const relations = await listRelations(sql);
  output.table(
    ['table or view', '', { head: 'rows, about', align: 'right' }, 'what it holds'],
    relations.map(({ name, kind, estimatedRows, comment }) => [name, kind, estimatedRows?.toLocaleString('en') ?? '', comment]),
  );
  output.result({ relations: relations.map((relation) => ({ ...relation, estimatedRows: relation.estimatedRows ?? null })) });
  return 0;
}

async function writeCsv({ output }: CommandContext, { columns, rows }: ViewedRows): Promise<void> {
  output.line(csvRecord(columns));
  for await (const row of rows) output.line(csvRecord(row));
}

async function showRows(
  { output }: CommandContext,
  table: string,
  { columns, rows }: ViewedRows,
  limit: number | undefined,
): Promise<void> {
  const shown: (readonly (string | null)[])[] = [];
  for await (const row of rows) shown.push(row);
  output.table(
    [...columns],
    shown.map((row) => row.map((value) => shorten(value ?? ''))),
  );
  if (shown.length === limit) output.note(`the first ${limit} rows: --limit shows more, --csv all of them`);
  output.result({ table, columns, rows: shown });
}

function shorten(text: string): string {
  const line = text.replace(/\s+/g, ' ');
  return line.length <= SHOWN_LETTERS ? line : `${line.slice(0, SHOWN_LETTERS - 1)}…`;
}

function limitOption(input: CommandInput, fallback: number | undefined): number | undefined {
  const text = textOption(input, 'limit');
  if (text === undefined) return fallback;
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new DbadminError('usage', `--limit takes a whole number, not "${text}"`);
}
