import os from 'node:os';
import { formatBytes } from '../../base/bytes.ts';
import { formatDuration } from '../../base/durations.ts';
import { inspectDumpSource } from '../../backup/dump/inspect.ts';
import { inspectSpoolRoom, type SpoolRoom } from '../../backup/dump/spool-room-inspect.ts';
import { takeDump } from '../../backup/dump/run.ts';
import { chooseDatabases } from '../../backup/dump/choose-databases.ts';
import { describeObstacle, extentOf, missedBy, type MissedDatabase } from '../../backup/dump/extent.ts';
import type { DumpFormat, DumpSelection } from '../../backup/dump/manifest.ts';
import type { DumpWarning } from '../../backup/dump/warnings.ts';
import { DbadminError } from '../../base/errors.ts';
import { IN_PART, NOT_EXPIRED } from '../../base/exit-status.ts';
import { quoteName } from '../../postgres/quote.ts';
import { findClientProgram, wantedFor } from '../../postgres/programs.ts';
import { flagOption, listOption, textOption, wholeNumberOption, type CommandContext, type CommandInput } from '../command.ts';
import { loadProject } from '../load-project.ts';
import { openRepository, selectRepository } from '../open-repository.ts';
import { warnOfLeft, warnOfRemoved } from '../removed-spools.ts';
import { expireAfterDump, expiredJson, warnOfNotExpired } from './expire-after.ts';

export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const { output, clock, env } = context;
  const selection = selectionOption(input);
  const { format, jobs } = formatOption(input);
  const { config, cluster } = await loadProject(context, input);
  const repository = selectRepository(config, cluster, textOption(input, 'repository'));
  const source = await inspectDumpSource(cluster.connection);
  const { databases, leftOut } = chooseDatabases(source, selection);
  for (const excluded of selection.excluded)
    if (!leftOut.some(({ database }) => database === excluded)) output.warn(`there is no database ${excluded} to exclude`);
  const missed = missedBy({ leftOut });
  const wanted = wantedFor(cluster.connection, source.major);
  const program = await findClientProgram('pg_dump', wanted, env);
  const globalsProgram = await findClientProgram('pg_dumpall', wanted, env);
  const opened = await openRepository(context, repository);
  try {
    output.line(`${cluster.name} → ${repository.name}   dump of ${databases.length} ${databases.length === 1 ? 'database' : 'databases'}`);
    const spoolDirectory = textOption(input, 'spool') ?? os.tmpdir();
    if (format === 'directory') {
      const room = await inspectSpoolRoom(cluster.connection, databases, spoolDirectory);
      output.line(`  spool      ${spoolDirectory}   ${roomText(room, opened.keys !== undefined)}`);
    }
    const place = { name: repository.name, repository: opened, systemIdentifier: source.systemIdentifier };
    const startedAt = clock.now().getTime();
    const warnings: DumpWarning[] = [];
    const manifest = await takeDump({
      repository: opened,
      keyPrefix: `${source.systemIdentifier}/`,
      clusterName: cluster.name,
      source,
      parameters: cluster.connection,
      selection,
      databases,
      leftOut,
      program,
      globalsProgram,
      env,
      spoolDirectory,
      clock,
      tool: context.version,
      ...(format === 'custom' ? {} : { format, jobs }),
      signal: context.signal,
      onRemoved: (spools) => warnOfRemoved(context, spools),
      onLeft: (spools) => warnOfLeft(context, spools),
      onDatabase: ({ database, sizeBytes }) => output.line(`  ${database.padEnd(20)} ${formatBytes(sizeBytes)}`),
      onWarning: (warning) => {
        warnings.push(warning);
        output.warn(`${warning.database}: pg_dump: ${warning.text}`);
      },
    });
    output.line(`  ${'globals.sql'.padEnd(20)} ${formatBytes(manifest.globals.sizeBytes)}   roles and settings, without passwords`);
    const totalBytes = manifest.databases.reduce((sum, { sizeBytes }) => sum + sizeBytes, manifest.globals.sizeBytes);
    const tookMs = clock.now().getTime() - startedAt;
    output.line(`  done       ${manifest.label}   ${formatDuration(tookMs)}   ${formatBytes(totalBytes)}   pg_dump ${program.version}`);
    if (selection.tables.length > 0) {
      output.line('It has these tables alone. Its restore makes their schemas; types, functions and extensions that they use, and tables');
      output.line(
        'that they refer to, are not in it, and without them no table that needs one is restored: for that, a dump without --table.',
      );
    }
    for (const each of missed) output.warn(missedText(each, cluster.connection.user));
    const notExpired = extentOf(manifest) === 'whole' ? await expireAfterDump(context, input, cluster, place) : undefined;
    output.line('A dump brings back single databases as of when it began, and no later moment: for that, dbadmin backup run.');
    if (notExpired !== undefined) warnOfNotExpired(output, 'dump', repository.name, notExpired);
    output.result({ repository: repository.name, ...manifest, warnings, ...expiredJson(notExpired) });
    if (missed.length > 0) return IN_PART;
    return notExpired === undefined ? 0 : NOT_EXPIRED;
  } finally {
    await opened.store.close();
  }
}

/** @throws {DbadminError} `usage` */
function selectionOption(input: CommandInput): DumpSelection {
  const named = listOption(input, 'database');
  const excluded = [...new Set(listOption(input, 'excludeDatabase'))];
  if (named.length > 0 && excluded.length > 0) {
    throw new DbadminError('usage', '--exclude-database takes databases out of all, and --database says which instead', {
      hint: 'Give one of them.',
    });
  }
  return {
    databases: named.length === 0 ? 'all' : [...new Set(named)],
    excluded,
    schemaOnly: flagOption(input, 'schemaOnly'),
    tables: [...listOption(input, 'table')],
  };
}

/** @throws {DbadminError} `usage`, where pg_dump would say it after it was started. */
function formatOption(input: CommandInput): { readonly format: DumpFormat; readonly jobs: number } {
  const format = textOption(input, 'format') ?? 'custom';
  const jobs = wholeNumberOption(input, 'jobs', 1, 64);
  if (format !== 'custom' && format !== 'directory') {
    throw new DbadminError('usage', `--format takes custom or directory, not "${format}"`, {
      hint: 'As SQL text a dump comes out of either: dbadmin restore --dump LABEL --into DIR lays it down for pg_restore --file=-.',
    });
  }
  if (jobs !== undefined && format === 'custom') {
    throw new DbadminError('usage', '--jobs needs --format directory', {
      detail: 'pg_dump writes the custom format, which is one file, over one connection. A restore takes --jobs with either.',
    });
  }
  return { format, jobs: jobs ?? 1 };
}

function roomText({ freeBytes, database, sizeBytes }: SpoolRoom, sealed: boolean): string {
  const free = freeBytes === undefined ? 'nobody can say how much is free' : `${formatBytes(freeBytes)} free`;
  const twice = sealed ? ', once as pg_dump writes it and once encrypted' : '';
  if (database === undefined) return free;
  return `${free}; one database at a time lies there until it is stored${twice}: ${database} has ${formatBytes(sizeBytes)}, before compression and with its indexes`;
}

/** What a database is missing for, and what to do about it. */
function missedText({ database, reason }: MissedDatabase, user: string): string {
  const name = quoteName(database);
  const mend = {
    'no-privilege': `GRANT CONNECT ON DATABASE ${name} TO ${quoteName(user)}`,
    'no-connections': `ALTER DATABASE ${name} ALLOW_CONNECTIONS true`,
    'drop-interrupted': `DROP DATABASE ${name}`,
  }[reason];
  return `database ${database} is not in this dump, for ${describeObstacle(reason)}: ${mend}; or, where it need not be kept, --exclude-database ${database} (in the policy exclude: [${database}]; or databases: [...] where others make databases on this server, too)`;
}
