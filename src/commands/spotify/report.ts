import path from 'node:path';
import { DbadminError } from '../../base/errors.ts';
import { openClient } from '../../postgres/client.ts';
import { sectionCsv } from '../../spotify/report/csv.ts';
import { readReport, type Report } from '../../spotify/report/inspect.ts';
import { isNumeric, shown } from '../../spotify/report/measure.ts';
import { peopleColumns } from '../../spotify/report/page/parts.ts';
import { reportPage } from '../../spotify/report/page/page.ts';
import { checkAsked, describeScope, type AskedScope } from '../../spotify/report/scope.ts';
import { jsonValue, type Section } from '../../spotify/report/section.ts';
import { chooseSections, idleFilters } from '../../spotify/report/sections.ts';
import { writeReport } from '../../spotify/report/write-apply.ts';
import { flagOption, textOption, type CommandContext, type CommandInput } from '../command.ts';
import { loadProject } from '../load-project.ts';

const SHOWN_ROWS = 20;
const SHOWN_LETTERS = 48;

type Format = 'table' | 'csv' | 'html';

/** Where the report goes; undefined is stdout. */
interface Form {
  readonly format: Format;
  readonly out: string | undefined;
  readonly verbatim: boolean;
}

export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const { output } = context;
  const sections = chooseSections(input.args);
  const asked = askedScope(input);
  const form = formOf(context, input, sections);
  const idle = idleFilters(asked, sections);
  const { cluster } = await loadProject(context, input);
  const report = await read(context, cluster.connection, { asked, sections, form });
  for (const [filter, without] of idle) output.note(`--${filter} says nothing about: ${without.map(({ name }) => name).join(', ')}`);
  if ((report.waitingPlays ?? 0) > 0) {
    output.warn(`${report.waitingPlays?.toLocaleString('en')} plays came since the marts were refreshed: call mart.refresh() counts them`);
  }
  const written = await write(context, report, form, idle);
  output.result({
    scope: Object.fromEntries(
      Object.entries(report.scope)
        .filter(([name]) => name !== 'unreadable')
        .map(([name, value]) => [name, value ?? null]),
    ),
    parts: report.sections.map(({ section, rows }) => ({
      name: section.name,
      title: section.title,
      about: section.about,
      relation: section.relation,
      takes: section.takes,
      columns: section.columns.map(({ key, head, measure }) => ({ key, head, measure })),
      rows: rows.map((row) => Object.fromEntries(section.columns.map(({ key, measure }) => [key, jsonValue(measure, row[key] ?? null)]))),
    })),
    idle: Object.fromEntries([...idle].map(([filter, without]) => [filter, without.map(({ name }) => name)])),
    waitingPlays: report.waitingPlays ?? null,
    written,
  });
  return 0;
}

function askedScope(input: CommandInput): AskedScope {
  const text = (name: string): string | undefined => textOption(input, name);
  return checkAsked(
    {
      listener: text('listener'),
      track: text('track'),
      album: text('album'),
      artist: text('artist'),
      chart: text('chart'),
      month: text('month'),
      from: text('from'),
      to: text('to'),
      zone: text('zone'),
    },
    text('top'),
  );
}

function formOf({ cwd, output }: CommandContext, input: CommandInput, sections: readonly Section[]): Form {
  const format = (textOption(input, 'format') ?? 'table') as Format;
  const out = textOption(input, 'out');
  if (format === 'table' && out !== undefined) throw new DbadminError('usage', '--out is for --format csv or html');
  if (format === 'csv' && out === undefined && sections.length > 1) {
    throw new DbadminError('usage', 'several parts as CSV need --out DIRECTORY', {
      hint: 'Or name one part: dbadmin spotify report days --format csv.',
    });
  }
  if (format !== 'table' && out === undefined && output.json)
    throw new DbadminError('usage', `--json and --format ${format} both on stdout: give --out`);
  return { format, out: out === undefined ? undefined : path.resolve(cwd, out), verbatim: flagOption(input, 'verbatim') };
}

async function read(
  { output }: CommandContext,
  connection: Parameters<typeof openClient>[0],
  { asked, sections, form }: { readonly asked: AskedScope; readonly sections: readonly Section[]; readonly form: Form },
): Promise<Report> {
  const sql = await openClient(connection, { applicationName: 'dbadmin spotify report', jit: false });
  const live = output.live();
  try {
    return await readReport(sql, asked, sections, {
      withCovers: form.format === 'html',
      onSection: (done, total, name) => live.show(`reading ${name}, ${done + 1} of ${total}`, 'reading'),
    });
  } finally {
    live.clear();
    await sql.end({ timeout: 5 });
  }
}

async function write(
  context: CommandContext,
  report: Report,
  form: Form,
  idle: ReturnType<typeof idleFilters>,
): Promise<readonly string[]> {
  const { output } = context;
  switch (form.format) {
    case 'table':
      showTables(context, report);
      return [];
    case 'html': {
      const text = reportPage(report, { readAt: context.clock.now().toISOString(), version: context.version, idle });
      if (form.out === undefined) output.raw(text);
      else await writeReport(form.out, text);
      return told(context, form.out === undefined ? [] : [form.out]);
    }
    case 'csv': {
      const files = report.sections.map((each) => ({ name: `${each.section.name}.csv`, text: sectionCsv(each, form) }));
      const { out } = form;
      if (out === undefined) {
        for (const { text } of files) output.raw(text);
        return [];
      }
      for (const { name, text } of files) await writeReport(path.join(out, name), text);
      return told(
        context,
        files.map(({ name }) => path.join(out, name)),
      );
    }
  }
}

function told({ output, cwd }: CommandContext, files: readonly string[]): readonly string[] {
  for (const file of files) output.line(`written  ${path.relative(cwd, file)}`);
  return files;
}

function showTables({ output }: CommandContext, { scope, sections }: Report): void {
  const filters = describeScope(scope).map(([name, value]) => `${name} ${value}`);
  if (filters.length > 0) output.line(output.style('dim', filters.join(' · ')));
  for (const { section, rows } of sections) {
    const columns = sections.length === 1 ? section.columns : peopleColumns(section.columns);
    const cut = rows.slice(0, SHOWN_ROWS);
    output.line(
      `${sections.length > 1 || filters.length > 0 ? '\n' : ''}${output.style('bold', section.title)}  ${output.style('dim', section.name)}`,
    );
    if (rows.length === 0) output.line('nothing');
    else
      output.table(
        columns.map(({ head, measure }) => ({ head, align: isNumeric(measure) ? 'right' : 'left' })),
        cut.map((row) => columns.map(({ key, measure }) => shorten(shown(measure, row[key] ?? null)))),
      );
    if (rows.length > cut.length) output.note(`${cut.length} of ${rows.length.toLocaleString('en')} rows: --format csv has all`);
  }
}

/** One line, without what would move the cursor. */
function shorten(text: string): string {
  const line = text.replaceAll(/[\p{Cc}\p{Cf}\s]+/gu, ' ');
  return line.length <= SHOWN_LETTERS ? line : `${line.slice(0, SHOWN_LETTERS - 1)}…`;
}
