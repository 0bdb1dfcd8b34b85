import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { DbadminError, messageOf, systemCodeOf } from '../../base/errors.ts';
import { quoteIdentifier } from '../../postgres/quote.ts';
import { inspectHistoryForm } from '../history/ensure.ts';
import { historyTable } from '../history/history.ts';
import { readFiles, readHistory, type MigrationDirectories } from '../inspect.ts';
import type { Queryable } from '../session/session.ts';
import type { ObservedSource } from './plan.ts';
import { SOURCES, type SourceFile, type SourceName, type SourceRecord, type SourceTool } from './source.ts';
import { TOOLS } from './tools.ts';

export interface ImportRequest {
  readonly from: SourceName | undefined;
  /** Absolute; undefined looks where the tool keeps its files. */
  readonly directory: string | undefined;
  /** `table` or `schema.table`, unquoted; undefined looks for the tools' own names. */
  readonly table: string | undefined;
  /** Schema of dbadmin's history. */
  readonly schema: string;
  readonly directories: MigrationDirectories;
  /** Absolute directory of the SQL assertions. */
  readonly tests: string;
}

interface FoundTable {
  readonly tool: SourceTool;
  readonly schema: string;
  readonly table: string;
}

/**
 * Finds the other tool's table and files and reads both, and what dbadmin has itself. Changes nothing.
 *
 * @throws {DbadminError} `usage` when no table is found, several are, or there is no directory; `file-unreadable`; `migration-invalid`.
 */
export async function observeSource(session: Queryable, request: ImportRequest): Promise<ObservedSource> {
  const { tool, schema, table } = chooseTable(await findTables(session, request), request);
  const directory = request.directory ?? (await findDirectory(tool, request.directories.project));
  const shown = path.relative(request.directories.project, directory).split(path.sep).join('/');
  const files = await readSource(tool, directory);
  const { units, repeatables = [], warnings } = tool.units(files);
  const quoted = `${quoteIdentifier(schema)}.${quoteIdentifier(table)}`;
  const records = await session.query<SourceRecord>(tool.rowsSql(quoted));
  const history = tool.history(records, units);
  const own = await readFiles(request.directories);
  const { applied, routines } = await readHistory(session, request.schema);
  return {
    tool,
    table: quoted,
    directory: shown,
    rows: history.rows,
    units,
    problems: [...own.problems, ...history.problems],
    warnings: [...warnings, ...history.warnings],
    files: own.migrations,
    applied,
    repeatables: {
      product: tool.product,
      directory: shown,
      repeatables,
      rows: history.repeatables ?? new Map(),
      routines: own.routines,
      applied: routines,
    },
    imported: await readImported(session, request.schema),
    tests: new Set(await readdir(request.tests).catch(() => [])),
  };
}

/** Every table that has the columns of a tool's history, under the tool's name for it or the one asked for. */
async function findTables(session: Queryable, request: ImportRequest): Promise<readonly FoundTable[]> {
  const rows = await session.query<{ schema: string; name: string; columns: readonly string[] }>(
    `select n.nspname as schema, c.relname as name, pg_catalog.array_agg(a.attname::text) as columns
     from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
     where c.relkind in ('r', 'p') and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast')
       and c.relname = any ($1) group by 1, 2 order by 1, 2`,
    [request.table === undefined ? TOOLS.map(({ table }) => baseName(table)) : [baseName(request.table)]],
  );
  const wanted = request.table?.includes('.') === true ? request.table.slice(0, request.table.indexOf('.')) : undefined;
  return rows.flatMap(({ schema, name, columns }) =>
    TOOLS.filter((tool) => {
      const [ownSchema, ownTable] = tool.table.includes('.') ? tool.table.split('.') : [undefined, tool.table];
      if (request.table === undefined && (ownTable !== name || (ownSchema !== undefined && ownSchema !== schema))) return false;
      if (wanted !== undefined && wanted !== schema) return false;
      return tool.columns.every((each) => columns.includes(each)) && !tool.without.some((each) => columns.includes(each));
    }).map((tool) => ({ tool, schema, table: name })),
  );
}

function chooseTable(all: readonly FoundTable[], { from, table }: ImportRequest): FoundTable {
  const found = from === undefined ? all : all.filter(({ tool }) => tool.name === from);
  const [first] = found;
  if (first !== undefined && found.length === 1) return first;
  const names = all.map(({ tool, schema, table: name }) => `${schema}.${name} of ${tool.product}`);
  if (first === undefined) {
    const wanted = table === undefined ? `history table${from === undefined ? '' : ` of ${from}`}` : `history table ${table}`;
    throw new DbadminError('usage', `found no ${wanted} in this database`, {
      detail: names.length === 0 ? undefined : `There is ${names.join(', ')}.`,
      hint: `Known are ${SOURCES.join(', ')}. Name a table of another name with --table, and look whether this is the right database.`,
    });
  }
  throw new DbadminError('usage', 'found several histories in this database', {
    detail: `There is ${names.join(', ')}.`,
    hint: 'Say which one: --from, and --table where that is not enough.',
  });
}

function baseName(table: string): string {
  return table.slice(table.indexOf('.') + 1);
}

async function findDirectory(tool: SourceTool, project: string): Promise<string> {
  for (const candidate of tool.directories) {
    const directory = path.join(project, candidate);
    if ((await readSource(tool, directory).catch(() => [])).length > 0) return directory;
  }
  throw new DbadminError('usage', `found no files of ${tool.product}`, {
    detail: `Looked in ${tool.directories.join(', ')}.`,
    hint: 'Name their directory: --dir DIRECTORY.',
  });
}

const DEEPEST = 6;

async function readSource(tool: SourceTool, directory: string, below = ''): Promise<readonly SourceFile[]> {
  const found: SourceFile[] = [];
  try {
    const entries = await readdir(path.join(directory, below), { withFileTypes: true });
    for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
      const relative = path.posix.join(below, entry.name);
      if (entry.isDirectory()) {
        if (entry.name.startsWith('.') || entry.name === 'node_modules' || relative.split('/').length > DEEPEST) continue;
        found.push(...(await readSource(tool, directory, relative)));
      } else if (tool.reads(relative)) found.push({ path: relative, bytes: await readFile(path.join(directory, relative)) });
    }
  } catch (error) {
    if (error instanceof DbadminError) throw error;
    throw new DbadminError(systemCodeOf(error) === 'ENOENT' ? 'usage' : 'file-unreadable', `cannot read ${path.join(directory, below)}`, {
      detail: messageOf(error),
      cause: error,
    });
  }
  return found;
}

/** Also of what was taken back since: it was imported once. */
async function readImported(session: Queryable, schema: string): Promise<ReadonlyMap<string, string>> {
  if ((await inspectHistoryForm(session, schema)) === undefined) return new Map();
  const rows = await session.query<{ reason: string; version: string }>(
    `select reason, version from ${historyTable(schema)} where reason like 'imported from %' and version is not null order by seq`,
  );
  return new Map(rows.map(({ reason, version }) => [reason, version]));
}
