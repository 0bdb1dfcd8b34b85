import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import postgres from 'postgres';
import { inject } from 'vitest';
import { isDbadminError } from '../../src/base/errors.ts';
import { findClientProgram } from '../../src/postgres/programs.ts';
import { runClientProgram } from '../postgres/client-program.ts';
import type { ProgramResult, TestCluster } from '../postgres/cluster.ts';

/** Everything that pg_dump and pg_dumpall say of a cluster, by database; `globals` for what belongs to none. */
export type LogicalDump = ReadonlyMap<string, string>;

/** How to run pg_dump or pg_dumpall on a cluster. Undefined where none of its major or newer can be had. */
export type Dumper = (program: 'pg_dump' | 'pg_dumpall', args: readonly string[]) => Promise<string>;

/** For a test cluster: beside its server where that is a container. */
export async function dumperOf(cluster: TestCluster): Promise<Dumper | undefined> {
  if (cluster.dataDirectory === undefined) {
    return async (program, args) => {
      const result = await cluster.exec(program, ['-U', 'postgres', ...args]);
      return outputOf(program, result);
    };
  }
  return await dumperAt(cluster.major, cluster.url());
}

/** For a server on this machine whose socket lies in a directory of its own. */
export async function dumperAt(major: number, url: string): Promise<Dumper | undefined> {
  const image = [major, 15, 16, 17, 18].find((each) => each >= major && inject('providers').images[each] !== undefined);
  const sql = postgres(url, { max: 1 });
  const [row] = await sql<{ directory: string; port: string }[]>`
    select current_setting('unix_socket_directories') as directory, current_setting('port') as port`;
  await sql.end();
  const directory = row?.directory ?? '';
  if (image !== undefined && directory !== '') {
    return async (program, args) =>
      outputOf(
        program,
        await runClientProgram(image, program, ['-h', directory, '-p', row?.port ?? '', '-U', 'postgres', ...args], [directory]),
      );
  }
  try {
    const found = {
      pg_dump: await findClientProgram('pg_dump', { atLeastMajor: major }, process.env),
      pg_dumpall: await findClientProgram('pg_dumpall', { atLeastMajor: major }, process.env),
    };
    const { hostname, port } = new URL(url);
    return async (program, args) => {
      const call = ['-h', hostname, '-p', port, '-U', 'postgres', ...args];
      return (await promisify(execFile)(found[program].path, call, { maxBuffer: 1 << 28 })).stdout;
    };
  } catch (error) {
    if (isDbadminError(error, 'program-missing')) return undefined;
    throw error;
  }
}

/** Dumps every database as SQL. Rows of unlogged tables are left out: a restore empties these. */
export async function dumpEverything(dump: Dumper, databases: readonly string[]): Promise<LogicalDump> {
  const dumps = new Map([['globals', comparable(await dump('pg_dumpall', ['--globals-only', '--no-role-passwords']))]]);
  for (const database of databases)
    dumps.set(
      database,
      comparable(await dump('pg_dump', ['--no-unlogged-table-data', '--create', '-d', `dbname='${database.replaceAll("'", "\\'")}'`])),
    );
  return dumps;
}

/** Without what differs from run to run, the programs' versions and the random word that newer ones put around their output, and without where tablespaces lie. */
function comparable(text: string): string {
  return text
    .replaceAll(/^-- (?:Dumped|Started|Completed) .*$|^\\(?:un)?restrict .*$/gm, '')
    .replaceAll(/^(CREATE TABLESPACE .* LOCATION) .*$/gm, '$1');
}

function outputOf(program: string, result: ProgramResult | undefined): string {
  if (result?.status === 0) return result.stdout;
  throw new Error(`${program}: ${result?.stderr ?? 'cannot be run'}`);
}

/** The first lines in which two dumps differ: what a failure shows of two long texts. */
export function dumpDifference(found: string, expected: string): readonly string[] {
  if (found === expected) return [];
  const [a, b] = [found.split('\n'), expected.split('\n')];
  const at = Math.max(
    0,
    [...b, ''].findIndex((line, index) => a[index] !== line),
  );
  const lines = (kind: string, text: readonly string[]): string[] =>
    text.slice(Math.max(0, at - 2), at + 3).map((line) => `${kind} ${line}`);
  return [`line ${at}`, ...lines('expected', b), ...lines('found   ', a)];
}
