import path from 'node:path';
import type { Sql } from 'postgres';
import { messageOf } from '../../base/errors.ts';

/** A configuration file's whole text. */
export interface ConfigurationFile {
  readonly path: string;
  readonly content: string;
}

/** Configuration files that lie outside of the data directory, and what could not be had. */
export interface OuterConfiguration {
  /** By absolute path on the server. */
  readonly files: readonly ConfigurationFile[];
  /**
   * Paths of those that lie in the data directory, relative to it. A base backup brings them, unless they are links or lie behind one:
   * see {@link readLinkedConfiguration}.
   */
  readonly inside: readonly string[];
  /** Sentences without the last stop: what is missing and why. */
  readonly missing: readonly string[];
}

const FILE_SETTINGS = ['config_file', 'hba_file', 'ident_file'] as const;

/**
 * Reads the configuration files that a base backup does not hold because they lie elsewhere (Debian keeps all of them in
 * /etc): postgresql.conf, pg_hba.conf, pg_ident.conf and what these include.
 *
 * A role that is no superuser needs pg_read_all_settings and pg_read_server_files, and EXECUTE on pg_read_binary_file; what
 * it may not see or read is said in `missing`.
 */
export async function readOuterConfiguration(sql: Sql): Promise<OuterConfiguration> {
  const rows = await sql<{ name: string; setting: string }[]>`
    select name, setting from pg_settings where name in ('data_directory', 'config_file', 'hba_file', 'ident_file')`;
  const settings = new Map(rows.map(({ name, setting }) => [name, setting]));
  const dataDirectory = settings.get('data_directory');
  if (dataDirectory === undefined) {
    return {
      files: [],
      inside: [],
      missing: ['where the configuration files lie is hidden from this role: GRANT pg_read_all_settings to it'],
    };
  }
  const missing: string[] = [];
  const named = FILE_SETTINGS.flatMap((name) => settings.get(name) ?? []);
  const inside: string[] = [];
  const files: ConfigurationFile[] = [];
  for (const file of new Set([...named, ...(await includedFiles(sql, missing))])) {
    const relative = path.posix.relative(dataDirectory, file);
    if (isOutside(relative)) await readInto(files, sql, file, missing);
    else inside.push(relative);
  }
  return { files, inside, missing };
}

/**
 * Reads configuration files of the data directory that a base backup did not bring, by their paths in it. It leaves links out, whoever
 * they lead to, and the server reads through them.
 *
 * Only these: each file that a role may not read leaves an error in the server's log.
 */
export async function readLinkedConfiguration(sql: Sql, paths: readonly string[]): Promise<Omit<OuterConfiguration, 'inside'>> {
  const missing: string[] = [];
  const files: ConfigurationFile[] = [];
  for (const file of paths) await readInto(files, sql, file, missing);
  return { files, missing: missing.map((each) => `${each}; the base backup leaves links out`) };
}

function isOutside(relative: string): boolean {
  return relative.startsWith('../') || path.posix.isAbsolute(relative);
}

/** Files that others include: of settings always, of pg_hba.conf and pg_ident.conf since 16. */
async function includedFiles(sql: Sql, missing: string[]): Promise<readonly string[]> {
  const queries = [
    ['postgresql.conf', 'select distinct sourcefile as file from pg_file_settings where sourcefile is not null'],
    ['pg_hba.conf', 'select distinct file_name as file from pg_hba_file_rules where file_name is not null'],
    ['pg_ident.conf', 'select distinct file_name as file from pg_ident_file_mappings where file_name is not null'],
  ] as const;
  const files: string[] = [];
  for (const [name, query] of queries) {
    if (name !== 'postgresql.conf' && !(await hasIncludes(sql))) continue;
    try {
      files.push(...(await sql.unsafe<{ file: string }[]>(query)).map(({ file }) => file));
    } catch (error) {
      missing.push(`what ${name} includes is not known: ${messageOf(error)}`);
    }
  }
  return files;
}

async function hasIncludes(sql: Sql): Promise<boolean> {
  const [row] = await sql<{ version: number }[]>`select current_setting('server_version_num')::int as version`;
  return (row?.version ?? 0) >= 160_000;
}

async function readInto(files: ConfigurationFile[], sql: Sql, file: string, missing: string[]): Promise<void> {
  try {
    const [row] = await sql<{ content: Buffer }[]>`select pg_read_binary_file(${file}) as content`;
    files.push({ path: file, content: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(row?.content) });
  } catch (error) {
    missing.push(`${file} was not saved: ${messageOf(error)}`);
  }
}
