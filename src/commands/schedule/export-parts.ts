import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { DbadminError } from '../../base/errors.ts';
import type { Config } from '../../config/config.ts';
import type { Job, Policies, Reception } from '../../schedule/policies.ts';
import { receptions } from '../../schedule/policies.ts';
import { timerWords } from '../../schedule/export/alerts-check.ts';
import type { Omitted } from '../../schedule/export/plan.ts';
import { namedVariables, type NamedVariable } from '../../schedule/export/variables.ts';
import { textOption, type CommandContext, type CommandInput } from '../command.ts';
import { commandNames, commandsOf, programFile } from './job-commands.ts';
import { loadPolicies } from './load-policies.ts';

/** What every target needs of the project. */
export interface ExportParts {
  readonly config: Config;
  readonly configFile: string;
  readonly policies: Policies;
  readonly localZone: string;
  readonly receptions: readonly Reception[];
  readonly refusalOf: (job: Job) => string | undefined;
  /** The words that run dbadmin on the machine the schedule is for: this installation unless --program says otherwise. */
  readonly program: readonly string[];
}

/** @throws {DbadminError} `config-missing` where there is no dbadmin.yaml that another process could be given. */
export async function loadExportParts(context: CommandContext, input: CommandInput): Promise<ExportParts> {
  const { config, policies, localZone } = await loadPolicies(context, input);
  if (config.file === undefined)
    throw new DbadminError('config-missing', 'an exported schedule needs a dbadmin.yaml to name', { hint: 'Make one with dbadmin init.' });
  const { COMMANDS } = await import('../catalogue.ts');
  const known = commandNames(COMMANDS);
  const program = textOption(input, 'program');
  return {
    config,
    configFile: config.file,
    policies,
    localZone,
    receptions: receptions(policies.policies.values()),
    refusalOf: (job) => {
      const done = commandsOf(job, policies, known);
      return done.kind === 'refusal' ? done.reason : undefined;
    },
    program: program === undefined ? [process.execPath, programFile()] : [program],
  };
}

/** The words that run a job by a timer. */
export function runWords({ program, configFile }: ExportParts, job: Job): readonly string[] {
  return [...program, ...timerWords(job), '--config', configFile, '--quiet'];
}

/** The words that receive WAL for as long as they are let. */
export function receiveWords({ program, configFile }: ExportParts, { cluster, rpoMs }: Reception): readonly string[] {
  return [...program, 'wal', 'receive', '--cluster', cluster, '--rpo', `${rpoMs}ms`, '--config', configFile];
}

/** The variables that the project's files take from the environment, which a timer does not have. */
export async function projectVariables({ config, configFile }: ExportParts): Promise<readonly NamedVariable[]> {
  const texts = await Promise.all([configFile, config.paths.policies].map(async (file) => await readFile(file, 'utf8')));
  return namedVariables(
    texts,
    [...config.repositories.values()].some(({ type }) => type === 's3'),
  );
}

/** The directories that backups are written to. */
export function diskRepositories({ config }: ExportParts): readonly { readonly name: string; readonly path: string }[] {
  return [...config.repositories.values()].flatMap((each) => (each.type === 'disk' ? [{ name: each.name, path: each.path }] : []));
}

/** Whether files of the project are in the directory of dbadmin.yaml, and where in it. */
export function pathInProject({ configFile }: ExportParts, file: string): string | undefined {
  const relative = path.relative(path.dirname(configFile), file);
  return relative.startsWith('..') || path.isAbsolute(relative) ? undefined : relative;
}

/** What was left out, as warnings. */
export function warnOmitted({ log }: CommandContext, omitted: readonly Omitted[]): void {
  for (const { job, reason } of omitted) log.warn(`${job} is not exported: ${reason}`);
}

/** What would be written, each file under its name. */
export function printFiles({ output }: CommandContext, files: ReadonlyMap<string, string>): void {
  for (const [name, text] of files) output.line(`==> ${name} <==\n${text}`);
}
