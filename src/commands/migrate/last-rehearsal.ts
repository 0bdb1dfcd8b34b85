import { DbadminError } from '../../base/errors.ts';
import { parseSqlFile, statementSha, type SqlFile, type Statement } from '../../migrate/files/migration.ts';
import { readFiles } from '../../migrate/inspect.ts';
import { overLimit } from '../../migrate/rehearse/limit.ts';
import { readRehearsal, rehearsalFile, type RehearsedFile } from '../../migrate/rehearse/record.ts';
import { loadSqlParser, type SqlParser } from '../../migrate/sql/parser.ts';
import { durationOption, type CommandContext, type CommandInput } from '../command.ts';
import { loadMigrations } from './load-migrations.ts';
import { showRehearsal } from './show-rehearsal.ts';

const EXIT_OVER_LIMIT = 3;

/** `dbadmin migrate rehearse --last`: what was measured, judged by the limit given now. */
export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const { output, env } = context;
  const maxBlockMs = durationOption(input, 'maxBlock');
  const { config, cluster, directories } = await loadMigrations(context, input);
  const { database } = cluster.connection;
  const record = await readRehearsal(rehearsalFile(env, { project: config.directory, cluster: cluster.name, database }));
  if (record === undefined) {
    throw new DbadminError('usage', `there is no rehearsal of ${database} on ${cluster.name} by this user`, {
      hint: 'Make one: dbadmin migrate rehearse.',
    });
  }
  const { migrations, routines } = await readFiles(directories);
  const files = new Map([...migrations, ...routines].map(({ file }) => [file.path, file]));
  const parser = await loadSqlParser();
  const over = record.files.flatMap((file) =>
    maxBlockMs === undefined ? [] : overLimit(file, statementsOf(file, files, parser), maxBlockMs),
  );
  output.line(`rehearsal of ${database} on ${cluster.name}, over at ${record.at}`);
  output.line(`backup     ${record.backup}`);
  output.line(`moment     ${record.moment}`);
  showRehearsal(output, record, over, maxBlockMs);
  output.result({ ...record, overLimit: over, verdict: over.length === 0 ? 'passed' : 'over-limit' });
  return over.length === 0 ? 0 : EXIT_OVER_LIMIT;
}

/** The statements as the files have them now, in the places they were measured in; those that changed since are left out, and no way is known around them. */
function statementsOf(rehearsed: RehearsedFile, files: ReadonlyMap<string, SqlFile>, parser: SqlParser): readonly Statement[] {
  const parsed = new Map<string, readonly Statement[]>();
  const found: Statement[] = [];
  for (const [index, { file, number, sha256 }] of rehearsed.statements.entries()) {
    if (!parsed.has(file)) parsed.set(file, parse(files.get(file), parser));
    const statement = parsed.get(file)?.[number - 1];
    if (statement !== undefined && statementSha(statement) === sha256) found[index] = statement;
  }
  return found;
}

function parse(file: SqlFile | undefined, parser: SqlParser): readonly Statement[] {
  try {
    return file === undefined ? [] : parseSqlFile(file, parser).statements;
  } catch (error) {
    if (error instanceof DbadminError) return [];
    throw error;
  }
}
