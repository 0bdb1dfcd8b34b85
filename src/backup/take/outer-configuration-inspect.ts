import path from 'node:path';
import type { Sql } from 'postgres';
import { messageOf, systemCodeOf } from '../../base/errors.ts';
import { decodePath } from '../../base/path-bytes.ts';
import { quoteIdentifier } from '../../postgres/quote.ts';
import { includesOf, type Include } from '../configuration-includes.ts';
import { configurationText } from '../configuration-text.ts';

/** A configuration file's whole text, as configuration-text.ts gives it. */
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
  /**
   * Directories that are included and of which every file that counts was read: absolute, or relative to the data directory. The server
   * does not start without them, and one with nothing in it that is a link is in no base backup.
   */
  readonly directories: readonly string[];
  /** Sentences without the last stop: what is missing and why. */
  readonly missing: readonly string[];
}

/** The same of files that are links in the data directory, or lie behind one, by their paths in it. */
export type LinkedConfiguration = Pick<OuterConfiguration, 'files' | 'missing'>;

const FILE_SETTINGS = ['config_file', 'hba_file', 'ident_file'] as const;
const NO_SUCH_FILE = '58P01';
const IS_DIRECTORY = '42809';
const NOT_ALLOWED = '42501';
/** Text on its way to the server is UTF-8, and names of files are bytes. */
const UNASKABLE = 'the server cannot be asked for a path that is not UTF-8';

/**
 * Reads the configuration files that a base backup does not hold because they lie elsewhere (Debian keeps all of them in
 * /etc): postgresql.conf, pg_hba.conf, pg_ident.conf and what these include. Whatever is included is read, also where no line of it
 * counts: the server does not start without it, and its own views name only files with a line in them.
 *
 * A role that is no superuser needs pg_read_all_settings and pg_read_server_files, and EXECUTE on pg_read_binary_file(text) and
 * pg_ls_dir(text, boolean, boolean); what it may not see or read is said in `missing`, with the GRANT.
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
      directories: [],
      missing: ['where the configuration files lie is hidden from this role: GRANT pg_read_all_settings to it'],
    };
  }
  const walk = new Walk(sql, dataDirectory, await rightsOf(sql));
  // Without pg_ident.conf the server starts.
  return await walk.follow(
    FILE_SETTINGS.flatMap((name) => {
      const file = settings.get(name);
      return file === undefined ? [] : [{ path: file, isOptional: name === 'ident_file' }];
    }),
  );
}

/**
 * Reads configuration files of the data directory that a base backup did not bring, by their paths in it. It leaves links out, whoever
 * they lead to, and the server reads through them.
 *
 * Only these: each file that a role may not read leaves an error in the server's log.
 */
export async function readLinkedConfiguration(sql: Sql, paths: readonly string[]): Promise<LinkedConfiguration> {
  const missing: string[] = [];
  const files: ConfigurationFile[] = [];
  const { grants } = await rightsOf(sql);
  for (const file of paths) {
    if (!file.isWellFormed()) {
      missing.push(`${file.toWellFormed()} was not saved: ${UNASKABLE}; the base backup leaves links out`);
      continue;
    }
    try {
      files.push({ path: file, content: await readText(sql, file) });
    } catch (error) {
      missing.push(`${file} was not saved: ${whyNot(error, grants)}; the base backup leaves links out`);
    }
  }
  return { files, missing };
}

interface Rights {
  readonly mayRead: boolean;
  readonly mayList: boolean;
  /** The SQL that gives the role what it may lack. */
  readonly grants: string;
}

/** Asked before anything is read: a refusal would stand in the server's log after each backup. */
async function rightsOf(sql: Sql): Promise<Rights> {
  const [row] = await sql<{ read: boolean; list: boolean; role: string; database: string }[]>`
    select has_function_privilege('pg_read_binary_file(text)', 'execute') as read, current_user as role, current_database() as database,
      has_function_privilege('pg_ls_dir(text, boolean, boolean)', 'execute') as list`;
  const to = quoteIdentifier(row?.role ?? '');
  const functions = 'pg_read_binary_file(text), pg_ls_dir(text, boolean, boolean)';
  const grants = `in database ${row?.database ?? ''}: GRANT pg_read_server_files TO ${to}; GRANT EXECUTE ON FUNCTION ${functions} TO ${to};`;
  return { mayRead: row?.read === true, mayList: row?.list === true, grants };
}

interface WantedFile {
  /** Absolute. */
  readonly path: string;
  /** Whether it may be absent, or a directory, and the server starts all the same. */
  readonly isOptional: boolean;
}

/** Goes along the includes of configuration files. */
class Walk {
  readonly #sql: Sql;
  readonly #dataDirectory: string;
  readonly #rights: Rights;
  /** Grows while it is gone through. */
  readonly #wanted: WantedFile[] = [];
  readonly #known = new Set<string>();
  /** Names, as decodePath gives them, by absolute path; undefined for what is not there. */
  readonly #listed = new Map<string, readonly string[] | undefined>();
  readonly #files: ConfigurationFile[] = [];
  readonly #inside: string[] = [];
  readonly #directories: string[] = [];
  readonly #unread: string[] = [];
  /** Absolute paths of what is there and could not be read. */
  readonly #failed: string[] = [];
  readonly #missing: string[] = [];

  constructor(sql: Sql, dataDirectory: string, rights: Rights) {
    this.#sql = sql;
    this.#dataDirectory = dataDirectory;
    this.#rights = rights;
  }

  async follow(named: readonly WantedFile[]): Promise<OuterConfiguration> {
    for (const each of named) this.#want(each.path, each.isOptional);
    if (this.#rights.mayRead) this.#want(path.posix.join(this.#dataDirectory, 'postgresql.auto.conf'), true);
    for (const file of this.#wanted) await this.#read(file);
    if (this.#unread.length > 0)
      this.#missing.push(
        `what is included by ${this.#unread.join(', ')} is not known, since this role may not read files (${this.#rights.grants})`,
      );
    const incomplete = new Set(this.#failed.map((file) => path.posix.dirname(file)));
    const directories = this.#directories
      .filter((directory) => !incomplete.has(directory))
      .map((directory) => this.#place(directory).shown);
    return { files: this.#files, inside: this.#inside, directories, missing: this.#missing };
  }

  #want(file: string, isOptional: boolean): void {
    if (this.#known.has(file)) return;
    this.#known.add(file);
    this.#wanted.push({ path: file, isOptional });
  }

  /** Outside of the data directory by its absolute path, else by its path there. */
  #place(file: string): { readonly isOutside: boolean; readonly shown: string } {
    const relative = path.posix.relative(this.#dataDirectory, file);
    const isOutside = relative === '..' || relative.startsWith('../');
    return { isOutside, shown: isOutside ? file : relative };
  }

  async #read({ path: file, isOptional }: WantedFile): Promise<void> {
    const { isOutside, shown } = this.#place(file);
    if (!isOutside && !this.#rights.mayRead) {
      this.#inside.push(shown);
      this.#unread.push(shown);
      return;
    }
    if (isOptional && (await this.#isAbsent(file))) return;
    try {
      const content = await readText(this.#sql, file);
      if (isOutside) this.#files.push({ path: file, content });
      else this.#inside.push(shown);
      await this.#follow(file, content);
    } catch (error) {
      const code = systemCodeOf(error);
      if (isOptional && (code === NO_SUCH_FILE || code === IS_DIRECTORY)) return;
      this.#failed.push(file);
      if (!isOutside) this.#inside.push(shown);
      const what = isOutside ? `${file} was not saved` : `what ${shown} includes is not known`;
      this.#missing.push(`${what}: ${whyNot(error, this.#rights.grants)}`);
    }
  }

  async #follow(file: string, content: string): Promise<void> {
    for (const include of includesOf(content)) {
      const found = path.posix.resolve(path.posix.dirname(file), include.path);
      if (!include.path.isWellFormed()) await this.#passOver(found, include.kind, `, which ${this.#place(file).shown} includes,`);
      else if (include.kind === 'directory') await this.#wantAllOf(found);
      else this.#want(found, include.kind === 'optional');
    }
  }

  /** Says what is not known of a path that is not UTF-8, and `by` whom it is included. The base backup brings what lies in the data directory. */
  async #passOver(file: string, kind: Include['kind'], by = ''): Promise<void> {
    if (this.#known.has(file)) return;
    this.#known.add(file);
    if (kind === 'optional' && (await this.#isAbsent(file))) return;
    this.#failed.push(file);
    const { isOutside, shown } = this.#place(file);
    const name = `${shown.toWellFormed()}${by}`;
    const inside = kind === 'directory' ? `what lies in ${name} is not known` : `what is included by ${name} is not known`;
    this.#missing.push(`${isOutside ? `${name} was not saved` : inside}: ${UNASKABLE}`);
    if (!isOutside && kind !== 'directory') this.#inside.push(shown);
  }

  async #wantAllOf(directory: string): Promise<void> {
    if (this.#known.has(directory)) return;
    this.#known.add(directory);
    try {
      const names = await this.#list(directory);
      if (names !== undefined) this.#directories.push(directory);
      for (const name of names ?? []) {
        if (!name.endsWith('.conf') || name.startsWith('.')) continue;
        const file = path.posix.join(directory, name);
        if (name.isWellFormed()) this.#want(file, true);
        else await this.#passOver(file, 'file');
      }
    } catch (error) {
      this.#missing.push(`what lies in ${directory} is not known: ${whyNot(error, this.#rights.grants)}`);
    }
  }

  /** So far as that can be found out without an error in the server's log. */
  async #isAbsent(file: string): Promise<boolean> {
    if (!this.#rights.mayList) return false;
    const directory = path.posix.dirname(file);
    // What lies in such a one cannot be asked; whether it is there can.
    if (!directory.isWellFormed()) return await this.#isAbsent(directory);
    try {
      return !((await this.#list(directory)) ?? []).includes(path.posix.basename(file));
    } catch {
      return false;
    }
  }

  async #list(directory: string): Promise<readonly string[] | undefined> {
    if (this.#listed.has(directory)) return this.#listed.get(directory);
    if (!this.#rights.mayList) throw new NotAllowed('this role may not list directories');
    // As bytes: where the database is in UTF-8, the server gives a name that is not as it is.
    const rows = await this.#sql<{ name: Buffer }[]>`select textsend(name) as name from pg_ls_dir(${directory}, true, true) as name`;
    // One that is there has at least itself in it.
    const names = rows.length === 0 ? undefined : rows.map(({ name }) => decodePath(name)).toSorted();
    this.#listed.set(directory, names);
    return names;
  }
}

class NotAllowed extends Error {
  readonly code = NOT_ALLOWED;
}

function whyNot(error: unknown, grants: string): string {
  return systemCodeOf(error) === NOT_ALLOWED ? `${messageOf(error)} (${grants})` : messageOf(error);
}

async function readText(sql: Sql, file: string): Promise<string> {
  const [row] = await sql<{ content: Buffer }[]>`select pg_read_binary_file(${file}) as content`;
  return configurationText(row?.content ?? Buffer.alloc(0));
}
