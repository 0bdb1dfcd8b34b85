import type { ChildProcess } from 'node:child_process';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { createRequire } from 'node:module';
import path from 'node:path';
import type { ConnectionOptions, DumpOptionsType, RestoreOptionsType } from 'pg-dump-restore';
import { DbadminError, messageOf } from '../../base/errors.ts';
import { clientEnvironment } from '../../postgres/client-environment.ts';
import { describeParameters, type ConnectionParameters } from '../../postgres/parameters.ts';
import type { Environment, FoundProgram } from '../../postgres/programs.ts';
import type { DumpFormat } from './manifest.ts';
import { metNothingElse, setsRefusedTimeout, withoutRefused } from './refused-timeout.ts';
import { warningsOf } from './warnings.ts';

/**
 * The package pg-dump-restore with its three faults closed: it takes the first program on PATH whatever its version, puts
 * the password into the arguments, where `ps` shows it to everybody, and gives pg_restore's excludeSchemaPattern as
 * `--schema`, which restores exactly what was to be left out. Nothing else imports the package.
 *
 * Written for version 1.0.15 of the package.
 */
const library = createRequire(import.meta.url)('pg-dump-restore') as {
  pgDump(connection: ConnectionOptions, options: DumpOptionsType): Promise<{ readonly stderr: string }>;
  pgRestore(connection: ConnectionOptions, options: RestoreOptionsType): Promise<unknown>;
};

/** What pg_dump is asked for; everything of the package but what is decided here. */
export type PgDumpSelection = Omit<DumpOptionsType, 'filePath' | 'format' | 'version'> & { readonly format?: DumpFormat };

/** The same for pg_restore. To leave schemas out, leave them out of the dump. */
export type RestoreSelection = Omit<RestoreOptionsType, 'filePath' | 'format' | 'version' | 'list' | 'excludeSchemaPattern'> & {
  readonly format?: DumpFormat;
};

export interface ClientCall {
  readonly program: FoundProgram;
  readonly parameters: ConnectionParameters;
  /** What the program inherits, without the variables of libpq: all of those come from `parameters`. */
  readonly env: Environment;
  /** Aborted: the program is told to end, and the call rejects at once. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Writes the database of `parameters` to `place`: a file in pg_dump's custom format, or a new directory in the other. Gives what pg_dump
 * warns of.
 *
 * @throws {DbadminError} `program-failed` with what pg_dump said.
 */
export async function dumpToFile(call: ClientCall, place: string, selection: PgDumpSelection = {}): Promise<readonly string[]> {
  const options = { format: 'custom', ...selection, filePath: place } as DumpOptionsType;
  const advice = (selection.jobs ?? 1) > 1 ? connectionAdvice(selection.jobs ?? 1) : [];
  let said = '';
  const start = async (connection: ConnectionOptions): Promise<void> => {
    said = (await library.pgDump(connection, options)).stderr;
  };
  await run(call, `dump of ${describeParameters(call.parameters)}`, start, advice);
  return warningsOf(said);
}

/**
 * Restores a dump, in custom format unless said otherwise, into the database of `parameters`, on a server of `serverMajor` where that matters: with
 * `exitOnError` to the first error, or, where the program begins with one that does not matter, to the end.
 *
 * @throws {DbadminError} `program-failed` with what pg_restore said.
 */
export async function restoreFromFile(
  call: ClientCall,
  place: string,
  selection: RestoreSelection = {},
  serverMajor: number = call.program.major,
): Promise<void> {
  // A caller without types could still pass the one option that does the opposite of its name.
  const { excludeSchemaPattern, ...rest } = selection as RestoreOptionsType;
  if (excludeSchemaPattern !== undefined) throw new DbadminError('internal', 'excludeSchemaPattern is not passed to pg_restore');
  const goesOn = rest.exitOnError === true && setsRefusedTimeout(call.program.major, serverMajor);
  const options = { format: 'custom', ...rest, ...(goesOn ? { exitOnError: false } : {}), filePath: place } as RestoreOptionsType;
  await run(call, `restore into ${describeParameters(call.parameters)}`, async (connection) => {
    const restoring = library.pgRestore(connection, options);
    await (goesOn ? restoring.catch(throwIfOther) : restoring);
  });
}

/** Of a pg_restore that went on after errors. */
function throwIfOther(error: unknown): void {
  const { stderr, exitCode } = error as { readonly stderr?: unknown; readonly exitCode?: unknown };
  if (typeof stderr !== 'string' || exitCode !== 1) throw error;
  if (metNothingElse(stderr)) return;
  // What came first: the rest follows from it.
  throw Object.assign(new Error('pg_restore met errors', { cause: error }), {
    stderr: withoutRefused(stderr).split('\n').slice(0, 20).join('\n'),
  });
}

function connectionAdvice(jobs: number): readonly string[] {
  return [
    `It takes ${jobs + 1} connections at once, all of one snapshot: max_connections and the limits of role and database have to allow them, and a pooler in transaction mode must not be between. Nobody may wait for one of the tables with ACCESS EXCLUSIVE. --jobs 1 needs none of that.`,
  ];
}

async function run(
  call: ClientCall,
  what: string,
  start: (connection: ConnectionOptions) => Promise<unknown>,
  advice: readonly string[] = [],
): Promise<void> {
  const { program, parameters, signal } = call;
  signal?.throwIfAborted();
  let child: ChildProcess | undefined;
  // The package keeps the process to itself; nothing else can start one before `start` gives its promise.
  const onProcess = (message: unknown): void => {
    child = (message as { readonly process: ChildProcess }).process;
  };
  subscribe('child_process', onProcess);
  const running = withEnvironment(programEnvironment(call), async () => await start(connectionOptions(parameters)));
  unsubscribe('child_process', onProcess);
  try {
    await abortable(running, signal, () => child?.kill());
  } catch (error) {
    if (signal?.aborted === true) throw signal.reason;
    const { stderr } = error as { readonly stderr?: unknown };
    const said = typeof stderr === 'string' && stderr.trim() !== '' ? stderr.trim() : messageOf(error);
    throw new DbadminError('program-failed', `${path.basename(program.path)} failed: ${what}`, {
      detail: said.split('\n').slice(-20).join('\n'),
      hint: [...advice, `Run by ${program.path} (${program.version}).`].join('\n'),
    });
  }
}

/**
 * The connection without its password. libpq takes an empty password in a URI for none at all and looks into PGPASSWORD.
 * The package writes user, database and host into the URI as they are, so they are encoded here.
 */
function connectionOptions({ hosts, user, database }: ConnectionParameters): ConnectionOptions {
  const last = hosts.at(-1);
  if (last === undefined) throw new DbadminError('connection-failed', 'no host to connect to');
  // It also writes one host and one port: the hosts before the last stand inside the host.
  const before = hosts.slice(0, -1).map(({ host, port }) => `${uriHost(host)}:${port},`);
  const host =
    hosts.length === 1 && last.host.startsWith('/')
      ? last.host.split('/').map(encodeURIComponent).join('/')
      : before.join('') + uriHost(last.host);
  return { host, port: last.port, database: encodeURIComponent(database), username: encodeURIComponent(user), password: '' };
}

function uriHost(host: string): string {
  return host.includes(':') ? `[${host}]` : encodeURIComponent(host);
}

/**
 * What the program gets as its environment: ours without libpq's variables, and those that `parameters` say. It speaks English, whatever the
 * language around it: that its disk is full is known by its words alone.
 */
export function programEnvironment({ program, parameters, env }: ClientCall): Record<string, string> {
  return { ...clientEnvironment(program, parameters, env), LC_ALL: 'C' };
}

/**
 * Calls `start` with `environment` in place of this process's own, and puts that back before anything else can run: the
 * package takes no environment and copies ours when it spawns, which it does before its first await. What a process was
 * started with is what /proc shows of it, so our own entry there never has the password.
 */
function withEnvironment<Value>(environment: Readonly<Record<string, string>>, start: () => Value): Value {
  const own = process.env;
  process.env = { ...environment };
  try {
    return start();
  } finally {
    process.env = own;
  }
}

async function abortable(running: Promise<unknown>, signal: AbortSignal | undefined, kill: () => unknown): Promise<void> {
  if (signal === undefined) {
    await running;
    return;
  }
  const { promise, reject } = Promise.withResolvers<never>();
  const stop = (): void => {
    // It cancels on the server what it waits for, and ends those it has started. As long as it lived this process would, too.
    kill();
    reject(signal.reason as Error);
  };
  signal.addEventListener('abort', stop, { once: true });
  try {
    await Promise.race([running, promise]);
  } finally {
    signal.removeEventListener('abort', stop);
    running.catch(() => undefined);
  }
}
