import path from 'node:path';
import { readFile } from 'node:fs/promises';
import { DbadminError, messageOf } from '../../base/errors.ts';
import { toJson } from '../../base/json.ts';
import { normaliseSql, sha256Of } from '../../migrate/files/checksum.ts';
import { EMPTY_HISTORY, type History } from '../../migrate/history/history.ts';
import { readFiles, readHistory, type FoundFiles } from '../../migrate/inspect.ts';
import { inspectServer } from '../../migrate/session/inspect-server.ts';
import { isAtLeast, SEVERITIES, type Finding, type Severity } from '../../migrate/lint/finding.ts';
import { formatGithub } from '../../migrate/lint/format/github.ts';
import { findingJson } from '../../migrate/lint/format/json.ts';
import { toSarif } from '../../migrate/lint/format/sarif.ts';
import { countText, formatText } from '../../migrate/lint/format/text.ts';
import { ALLOWABLE, type LintedFile } from '../../migrate/lint/lint.ts';
import { lintOffline } from '../../migrate/lint/offline.ts';
import { readForLint, unreadable } from '../../migrate/lint/read.ts';
import { RULES } from '../../migrate/lint/rules/table.ts';
import { lintLive } from '../../migrate/lint/run.ts';
import type { SqlFile } from '../../migrate/files/migration.ts';
import { sortKey } from '../../migrate/files/names.ts';
import { loadSqlParser, type SqlParser } from '../../migrate/sql/parser.ts';
import { flagOption, listOption, textOption, type CommandContext, type CommandInput } from '../command.ts';
import { count, loadMigrations, withSession, type MigrateProject } from './load-migrations.ts';

const EXIT_FINDINGS = 2;

export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  if (flagOption(input, 'rules')) return showRules(context);
  const least = severityOption(input);
  const only = ruleOption(input);
  // Compiled by other threads, while this one reads the configuration and the files.
  const parser = loadSqlParser();
  parser.catch(() => undefined);
  const project = await loadMigrations(context, input);
  const linted = await lint(context, input, project, parser);
  const findings = only.length === 0 ? linted.findings : linted.findings.filter(({ rule }) => only.includes(rule));
  const failed = findings.some(({ severity }) => isAtLeast(severity, least));
  show(context, input, { ...linted, findings }, failed);
  return failed ? EXIT_FINDINGS : 0;
}

interface Linted {
  readonly findings: readonly Finding[];
  /** Paths, in order. */
  readonly files: readonly string[];
  readonly statements: number;
  /** Whose sizes and types were asked; undefined offline. */
  readonly database: string | undefined;
}

async function lint(context: CommandContext, input: CommandInput, project: MigrateProject, loading: Promise<SqlParser>): Promise<Linted> {
  const named = await readNamed(context, input.args, project);
  const found = named === undefined ? await readFiles(project.directories) : undefined;
  const parser = await loading;
  const problems = (found?.problems ?? []).map((each) => unreadable({ path: each.message.split(':', 1)[0] ?? '' }, each));
  if (flagOption(input, 'offline')) {
    const linted = lintOffline(named ?? allOf(found), parser);
    return inOrder({ ...linted, findings: [...problems, ...linted.findings], database: undefined });
  }
  return await withSession(context, project, async (session) => {
    const server = await inspectServer(session);
    const history = found === undefined ? EMPTY_HISTORY : await readHistory(session, project.config.migrate.schema);
    const { linted, findings } = readAll(named ?? pendingOf(found, history), parser);
    const files = linted.map(({ file }) => file.path);
    const statements = linted.reduce((sum, { parsed }) => sum + parsed.statements.length, 0);
    const all = [...problems, ...findings, ...(await lintLive(session, server.major, linted))];
    return inOrder({ findings: all, files, statements, database: `${server.database} on ${project.cluster.name}` });
  });
}

function inOrder({ findings, files, ...rest }: Linted): Linted {
  const order = new Map(files.map((name, index) => [name, index]));
  const place = ({ file }: Finding): number => order.get(file) ?? -1;
  return { ...rest, files, findings: findings.toSorted((a, b) => place(a) - place(b) || a.line - b.line || a.column - b.column) };
}

function readAll(
  files: readonly SqlFile[],
  parser: SqlParser,
): { readonly linted: readonly LintedFile[]; readonly findings: readonly Finding[] } {
  const read = files.map((file) => readForLint(file, parser));
  return { linted: read.flatMap(({ linted }) => linted ?? []), findings: read.flatMap(({ problem }) => problem ?? []) };
}

function allOf(found: FoundFiles | undefined): readonly SqlFile[] {
  return [...(found?.migrations ?? []), ...(found?.routines ?? [])].map(({ file }) => file);
}

/** What `up` would run. */
function pendingOf(found: FoundFiles | undefined, history: History): readonly SqlFile[] {
  const applied = new Set([...history.applied.keys()].map(sortKey));
  const migrations = (found?.migrations ?? []).filter(({ name }) => !applied.has(sortKey(name.version)));
  const routines = (found?.routines ?? []).filter(({ name, file }) => history.routines.get(name)?.sha256 !== file.sha256);
  return [...migrations, ...routines].map(({ file }) => file);
}

/** The files named on the command line; undefined when none are. They need not be migrations. */
async function readNamed(
  { cwd }: CommandContext,
  names: readonly string[],
  project: MigrateProject,
): Promise<readonly SqlFile[] | undefined> {
  if (names.length === 0) return undefined;
  const files: SqlFile[] = [];
  for (const name of names) {
    const location = path.resolve(cwd, name);
    const shown = path.relative(project.directories.project, location).split(path.sep).join('/');
    try {
      const text = normaliseSql(await readFile(location), shown);
      files.push({ path: shown, location, text, sha256: sha256Of(text) });
    } catch (error) {
      if (error instanceof DbadminError) throw error;
      throw new DbadminError('file-unreadable', `cannot read ${name}`, { detail: messageOf(error), cause: error });
    }
  }
  return files;
}

function show(
  { output, version }: CommandContext,
  input: CommandInput,
  { findings, files, statements, database }: Linted,
  failed: boolean,
): void {
  const document = {
    findings: findings.map(findingJson),
    counts: Object.fromEntries(SEVERITIES.map((each) => [each, findings.filter(({ severity }) => severity === each).length])),
    files: files.length,
    statements,
    database: database ?? null,
    failed,
  };
  switch (textOption(input, 'format') ?? 'text') {
    case 'json':
      return output.raw(`${toJson(document, 2)}\n`);
    case 'sarif':
      return output.raw(`${toJson(toSarif(findings, version), 2)}\n`);
    case 'github':
      return output.raw(
        formatGithub(findings)
          .map((line) => `${line}\n`)
          .join(''),
      );
    default:
  }
  for (const line of formatText(findings, (kind, text) => output.style(kind, text))) output.line(line);
  if (findings.length > 0) output.line();
  const sizes = database === undefined ? 'sizes and types of tables unknown (--offline)' : `sizes and types as ${database} has them`;
  output.line(`${countText(findings)} in ${count(files.length, 'file')} with ${count(statements, 'statement')}; ${sizes}`);
  if (failed) output.line('What is meant so is said in the file: -- dbadmin: allow <rule> -- reason');
  output.result(document);
}

function showRules({ output }: CommandContext): number {
  for (const [index, { id, summary: finds, why, safe }] of RULES.entries()) {
    if (index > 0) output.line();
    output.line(`${output.style('bold', id)}   ${finds}`);
    output.line(`  ${why}`);
    output.line(`  ${output.style('dim', 'safe:')} ${safe}`);
  }
  output.result({ rules: RULES.map(({ id, summary: finds, why, safe }) => ({ id, summary: finds, why, safe })) });
  return 0;
}

function severityOption(input: CommandInput): Severity {
  const given = textOption(input, 'severity') ?? 'warning';
  const found = SEVERITIES.find((each) => each === given);
  if (found !== undefined) return found;
  throw new DbadminError('usage', `"${given}" is no severity`, { hint: `Known are ${SEVERITIES.join(', ')}.` });
}

function ruleOption(input: CommandInput): readonly string[] {
  const given = listOption(input, 'rule');
  for (const each of given) {
    if (ALLOWABLE.includes(each) || each === 'unreadable') continue;
    throw new DbadminError('usage', `there is no rule "${each}"`, { hint: 'dbadmin migrate lint --rules lists them.' });
  }
  return given;
}
