import { fileURLToPath } from 'node:url';
import { INSTALLED_IN } from '../../base/installation.ts';
import type { CommandSpec } from '../command.ts';
import type { BackupPolicy, Job, Policies } from '../../schedule/policies.ts';

/** The commands that do a job, each as the words after `dbadmin`; or that SQL does it; or why this dbadmin cannot. */
export type JobCommands =
  | { readonly kind: 'commands'; readonly commands: readonly (readonly string[])[] }
  | { readonly kind: 'sql'; readonly sql: string; readonly cluster: string | undefined; readonly database: string | undefined }
  | { readonly kind: 'refusal'; readonly reason: string };

/** The names by which commands can be called, groups with a default command among them. */
export function commandNames(specs: readonly CommandSpec[]): ReadonlySet<string> {
  return new Set(specs.flatMap(({ name, isDefault }) => (isDefault === true ? [name, name.split(' ')[0] ?? name] : [name])));
}

/** How a job is done; `known` are the names of all commands (`backup run`). */
export function commandsOf(job: Job, policies: Policies, known: ReadonlySet<string>): JobCommands {
  const { work } = job;
  if (work.kind === 'call') return { kind: 'sql', sql: `CALL ${work.call}`, cluster: work.cluster, database: work.database };
  if (work.kind === 'sql') return { kind: 'sql', sql: work.sql, cluster: work.cluster, database: work.database };
  if (work.kind === 'command') {
    const words = splitWords(work.words);
    const cluster = work.cluster === undefined ? [] : ['--cluster', work.cluster];
    return whereKnown(words, [[...words, ...cluster]], known);
  }
  const policy = policies.policies.get(work.policy);
  if (work.kind === 'backup') {
    // One run for all of them: the cluster is read once.
    const repositories = (policy?.repositories ?? []).flatMap((repository) => ['--repository', repository]);
    const words = ['backup', 'run', '--cluster', work.cluster, '--type', work.type, ...rateOf(policy), ...repositories];
    return whereKnown(words, [words], known);
  }
  if (work.kind === 'dump') {
    const databases = work.databases === 'all' ? [] : work.databases.flatMap((database) => ['--database', database]);
    const excluded = work.excluded.flatMap((database) => ['--exclude-database', database]);
    return perRepository(['backup', 'dump', '--cluster', work.cluster, ...databases, ...excluded, ...dumpOptions(work)], policy, known);
  }
  if (work.kind === 'expire') return perRepository(['backup', 'expire', '--apply', '--cluster', work.cluster], policy, known);
  return perRepository(['backup', work.kind, '--cluster', work.cluster, ...proofOptions(work)], policy, known);
}

function dumpOptions({ format, jobs, spool }: Extract<Job['work'], { readonly kind: 'dump' }>): readonly string[] {
  return [
    ...(format === 'custom' ? [] : ['--format', format]),
    ...(jobs === undefined ? [] : ['--jobs', String(jobs)]),
    ...(spool === undefined ? [] : ['--spool', spool]),
  ];
}

/** How much a verification reads; what a drill restores to, and whose assertions it asks. */
function proofOptions(work: Extract<Job['work'], { readonly kind: 'verify' | 'drill' }>): readonly string[] {
  if (work.kind === 'drill') return ['--target', work.target, '--policy', work.policy];
  return work.sampleShare === undefined ? [] : ['--sample', `${Number((work.sampleShare * 100).toPrecision(12))}%`];
}

/** The program that a child process of ours has to start. */
export function programFile(): string {
  return fileURLToPath(new URL('bin/dbadmin.cjs', INSTALLED_IN));
}

function rateOf(policy: BackupPolicy | undefined): readonly string[] {
  const rate = policy?.limits.rateBytesPerSecond;
  return rate === undefined ? [] : ['--max-rate', String(rate)];
}

function perRepository(words: readonly string[], policy: BackupPolicy | undefined, known: ReadonlySet<string>): JobCommands {
  const repositories = policy?.repositories ?? [];
  return whereKnown(
    words,
    repositories.map((repository) => [...words, '--repository', repository]),
    known,
  );
}

function whereKnown(words: readonly string[], commands: readonly (readonly string[])[], known: ReadonlySet<string>): JobCommands {
  const names = [words.slice(0, 2).join(' '), words[0] ?? ''];
  if (names.some((name) => known.has(name))) return { kind: 'commands', commands };
  return { kind: 'refusal', reason: `this dbadmin has no command "${names[0] ?? ''}"` };
}

/** The words of a command as a shell would split them; quotes group, a backslash keeps the next character. */
function splitWords(text: string): readonly string[] {
  const words = text.match(/(?:[^\s"'\\]|\\.|"(?:[^"\\]|\\.)*"|'[^']*')+/g) ?? [];
  return words.map((word) =>
    word.replace(
      /'([^']*)'|"((?:[^"\\]|\\.)*)"|\\(.)/g,
      (_all, single?: string, double?: string, one?: string) => single ?? double?.replace(/\\(.)/g, '$1') ?? one ?? '',
    ),
  );
}
