import { spawn } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type postgres from 'postgres';
import { isLoadable } from '../../../src/spotify/load/formats.ts';
import { findSources } from '../../../src/spotify/load/inspect.ts';
import { finishLoad, loadSource, type LoadResult } from '../../../src/spotify/load/run.ts';
import { CLI, COMPILE_CACHE } from '../../built-command.ts';
import { createProject } from '../migrate/project.ts';

/** The root of the repository, which is the warehouse's project. */
export const PROJECT = fileURLToPath(new URL('../../..', import.meta.url));

/** Applies the repository's own migrations and routines. */
export async function migrateWarehouse(url: string): Promise<void> {
  const project = await createProject(url);
  try {
    const [migrations, routines] = [path.join(PROJECT, 'sql/migrations'), path.join(PROJECT, 'sql/routines')];
    await project.up({ directories: { project: PROJECT, migrations, routines } });
  } finally {
    await project.delete();
  }
}

/** Loads what is below `target` and links duplicates, as the command does. */
export async function load(sql: postgres.Sql, target: string, listener?: string): Promise<readonly LoadResult[]> {
  const results: LoadResult[] = [];
  for (const source of await findSources(target, { stdin: process.stdin, cwd: PROJECT, encoding: undefined })) {
    if (!isLoadable(source.recognised)) continue;
    const signal = new AbortController().signal;
    results.push(await loadSource(sql, source, { listener, signal, onProgress: () => undefined }));
  }
  await finishLoad(sql, { marts: false });
  return results;
}

/** Rows of every table of the warehouse, by name; counted, not estimated. Run logs grow with each run and are left out. */
export async function tableCounts(sql: postgres.Sql): Promise<Readonly<Record<string, number>>> {
  const tables = await sql<{ name: string }[]>`
    select format('%I.%I', n.nspname, c.relname) as name
    from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
    where c.relkind = 'r' and n.nspname in ('raw', 'quality', 'core')
      and (n.nspname, c.relname) not in (('quality', 'run'), ('quality', 'rule_count'))
    order by 1`;
  const counts: Record<string, number> = {};
  for (const { name } of tables) counts[name] = await countOf(sql, `select count(*) from ${name}`);
  return counts;
}

/** The one number that `query` gives. */
export async function countOf(sql: postgres.Sql, query: string): Promise<number> {
  const [row] = await sql.unsafe<Record<string, unknown>[]>(query);
  return Number(Object.values(row ?? {})[0]);
}

export interface CommandResult {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** `dbadmin …` in `cwd`, with `stdin` to read. */
export async function dbadmin(args: readonly string[], cwd: string, stdin: string | Uint8Array = ''): Promise<CommandResult> {
  return await new Promise((resolve, reject) => {
    const env = { PATH: process.env['PATH'], HOME: cwd, NO_COLOR: '1', ...COMPILE_CACHE };
    const child = spawn(process.execPath, [CLI, ...args], { cwd, env });
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (data: Buffer) => (stdout += data.toString()));
    child.stderr.on('data', (data: Buffer) => (stderr += data.toString()));
    child.on('error', reject);
    child.on('close', (status) => resolve({ status, stdout, stderr }));
    // A refused command may end before it has read everything.
    child.stdin.on('error', () => undefined);
    child.stdin.end(stdin);
  });
}
