import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compareWritten } from '../../../src/catalog/compare.ts';
import { describeCatalog } from '../../../src/catalog/describe.ts';
import { htmlOf } from '../../../src/catalog/html.ts';
import { inspectCatalog } from '../../../src/catalog/inspect.ts';
import { markdownOf } from '../../../src/catalog/markdown.ts';
import { undocumentedOf } from '../../../src/catalog/undocumented.ts';
import { writeGenerated } from '../../../src/spotify/generate/run.ts';
import { readReport } from '../../../src/spotify/report/inspect.ts';
import { EVERYTHING } from '../../../src/spotify/report/scope.ts';
import { SECTIONS } from '../../../src/spotify/report/sections.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startTestCluster } from '../../postgres/fixture.ts';
import { connect, openProject, outcome, type Project } from '../roles/project.ts';
import { load, migrateWarehouse, PROJECT } from './warehouse.ts';

const SCHEMAS = ['raw', 'quality', 'core', 'mart', 'reco', 'audit', 'api'];

describe('the documentation of the warehouse', () => {
  let cluster: TestCluster;
  let project: Project;
  let directory: string;
  let sql: postgres.Sql;

  beforeAll(async () => {
    directory = await mkdtemp(path.join(os.tmpdir(), 'dbadmin-documentation-'));
    await writeGenerated(path.join(directory, 'files'), { listeners: 2, plays: 300, seed: 4, kinds: ['songs', 'histories', 'charts'] });
    cluster = await startTestCluster({ major: 17 });
    const admin = connect(cluster.url());
    await admin.unsafe('create database listening');
    await admin.end();
    await migrateWarehouse(cluster.url('listening'));
    project = await openProject(cluster);
    await project.apply(await readFile(path.join(PROJECT, 'roles/roles.yaml'), 'utf8'));
    sql = connect(cluster.url('listening'));
    await load(sql, path.join(directory, 'files/songs.csv'));
    await load(sql, path.join(directory, 'files'));
    await sql`call mart.refresh()`;
  });
  afterAll(async () => {
    await sql?.end({ timeout: 1 });
    await project?.close();
    await cluster?.stop();
    await rm(directory, { recursive: true, force: true });
  });

  it('every schema, table, column, type and routine has a comment', async () => {
    expect(undocumentedOf(await inspectCatalog(sql, { schemas: SCHEMAS, without: [] }))).toEqual([]);
  });

  it('docs/warehouse is what dbadmin docs makes of it now (npm run docs:warehouse)', async () => {
    const dictionary = describeCatalog(await inspectCatalog(sql, { schemas: SCHEMAS, without: [] }), 'The listening warehouse');
    for (const [name, text] of [
      ['dictionary.md', markdownOf(dictionary)],
      ['dictionary.html', htmlOf(dictionary)],
    ] as const) {
      const file = path.join(PROJECT, 'docs/warehouse', name);
      if (process.env['DBADMIN_WRITE_DOCS'] === '1') await writeFile(file, text);
      expect(compareWritten(name, await readFile(file, 'utf8').catch(() => undefined), text)).toBeUndefined();
    }
  });

  it('an analyst, who has the marts and nothing behind them, can read the whole report', async () => {
    const analyst = connect(cluster.url('listening'));
    try {
      await analyst.unsafe('set session authorization warehouse_analyst');
      const report = await readReport(analyst, EVERYTHING, SECTIONS, { withCovers: true, onSection: () => undefined });
      expect(Number(report.sections[0]?.rows[0]?.['plays'])).toBeGreaterThan(0);
      expect(report.waitingPlays).toBeUndefined();
    } finally {
      await analyst.end({ timeout: 1 });
    }
  });

  it('docs/bi.md describes the views that bi_reader may read, all of them and no other; each of their columns has a comment', async () => {
    const page = await readFile(path.join(PROJECT, 'docs/bi.md'), 'utf8');
    const described = [...page.matchAll(/^\| `(mart\.bi_\w+)` \|/gm)].map(([, name = '']) => name).sort();
    const readable = await sql<{ name: string }[]>`
      select n.nspname || '.' || c.relname as name from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
      where n.nspname in ${sql(SCHEMAS)} and c.relkind in ('r', 'p', 'v', 'm') and has_any_column_privilege('bi_reader', c.oid, 'select') order by 1`;
    expect(described).toEqual(readable.map(({ name }) => name));
    const bare = await sql`select c.relname, a.attname from pg_class as c join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0
      where c.relname like 'bi\\_%' and c.relnamespace = 'mart'::regnamespace and col_description(c.oid, a.attnum) is null`;
    expect([...bare]).toEqual([]);
  });

  it.for([
    'select from core.play',
    'select from mart.fact_play',
    'select from mart.cards()',
    'delete from mart.bi_play',
    'create table mart.mine (x int)',
  ])('bi_reader may not: %s', async (statement) => {
    expect(await outcome(cluster, 'listening', 'postgres', `set session authorization bi_reader; ${statement}`)).toBe('42501');
  });

  it('the figures that docs/bi.md gives in SQL are those of the report', async () => {
    const page = await readFile(path.join(PROJECT, 'docs/bi.md'), 'utf8');
    const figures = [...page.matchAll(/^\| ([\w %]+) \| `([^`]+)` \| `[^`]+` \|$/gm)].map(([, name = '', expression = '']) => ({
      name,
      expression,
    }));
    expect(figures.map(({ name }) => name)).toEqual(['plays', 'songs', 'listening hours', 'explicit %', 'weekend plays', 'weekday plays']);
    const list = figures.map(({ expression }, at) => `(${expression})::numeric as f${at}`).join(', ');
    const [told] = await sql.unsafe(`select ${list} from mart.bi_play as p join mart.bi_date as d using (date_id)`).values();
    const [cards] =
      await sql`select plays::numeric, songs::numeric, listening_hours, explicit_percent, weekend_plays::numeric, weekday_plays::numeric from mart.cards()`.values();
    expect(told).toEqual(cards);
  });

  it('the notebook runs from beginning to end as svc_bi', async (context) => {
    const needed = 'import nbclient, nbformat, ipykernel, psycopg, pandas, matplotlib';
    const python = process.env['DBADMIN_TEST_PYTHON'] ?? 'python3';
    const missing = await runPython(python, ['-c', needed], {});
    if (missing.status !== 0)
      context.skip(`${python} cannot run notebooks: ${missing.output.trim().split('\n').at(-1)} (DBADMIN_TEST_PYTHON names another)`);
    const script = `
import sys, nbformat
from nbclient import NotebookClient
notebook = nbformat.read(sys.argv[1], as_version=4)
NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
print("".join(output.get("data", {}).get("text/plain", "") for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs))`;
    const { status, output } = await runPython(python, ['-c', script, path.join(PROJECT, 'docs/listening.ipynb')], {
      DATABASE_URL: cluster.url('listening', 'svc_bi'),
      MPLBACKEND: 'Agg',
      MPLCONFIGDIR: directory,
      IPYTHONDIR: directory,
    });
    expect(output).toContain('listening_hours');
    expect(status, output).toBe(0);
  });

  it('the notebook holds no outputs and no secret', async () => {
    const text = await readFile(path.join(PROJECT, 'docs/listening.ipynb'), 'utf8');
    const { cells } = JSON.parse(text) as { cells: { cell_type: string; outputs?: unknown[]; execution_count?: number | null }[] };
    for (const cell of cells.filter((each) => each.cell_type === 'code')) expect([cell.outputs, cell.execution_count]).toEqual([[], null]);
    expect(text).not.toMatch(/password=|:\/\/[^"\s]*:[^"\s]*@/);
  });
});

async function runPython(
  python: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<{ readonly status: number | null; readonly output: string }> {
  return await new Promise((resolve) => {
    const child = spawn(python, [...args], { env: { ...process.env, ...env } });
    let output = '';
    child.stdout.on('data', (data: Buffer) => (output += data.toString()));
    child.stderr.on('data', (data: Buffer) => (output += data.toString()));
    child.on('error', (error) => resolve({ status: null, output: error.message }));
    child.on('close', (status) => resolve({ status, output }));
  });
}
