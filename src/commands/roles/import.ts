import path from 'node:path';
import { DbadminError } from '../../base/errors.ts';
import { printable } from '../../base/printable.ts';
import { matchesAny } from '../../roles/document/globs.ts';
import { buildFile, type ImportedFile } from '../../roles/import/build.ts';
import { inspectDetails, type DatabaseDetails } from '../../roles/import/inspect.ts';
import { leftOut } from '../../roles/import/left-out.ts';
import type { ImportOptions } from '../../roles/import/options.ts';
import { differencesOf, refuseExisting, refuseInexact, writeRolesFile } from '../../roles/import/run.ts';
import { writeYaml } from '../../roles/import/write-yaml.ts';
import { inspectAll } from '../../roles/inspect-all.ts';
import { isConnected } from '../../roles/scope.ts';
import type { ClusterState, ObservedState } from '../../roles/state.ts';
import { flagOption, listOption, textOption, type CommandContext, type CommandInput } from '../command.ts';
import { loadProject } from '../load-project.ts';

const EXIT_DRIFT = 2;
/** Roles that managed services keep for themselves; `--roles` can name them all the same. */
const OF_PROVIDERS = ['rds_*', 'rdsadmin', 'cloudsql*', 'azure_*', 'azuresu', 'alloydb*', 'supabase_*', 'neon_*'];

export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const { output, clock, version } = context;
  const { config, cluster } = await loadProject(context, input);
  const given = textOption(input, 'out');
  const file = given === undefined ? config.paths.roles : path.resolve(context.cwd, given);
  const shownFile = path.relative(context.cwd, file) || file;
  const isPrinted = flagOption(input, 'print');
  if (!isPrinted && !flagOption(input, 'overwrite')) await refuseExisting(file);
  const maintenance = textOption(input, 'maintenanceDb') ?? 'postgres';
  const databases = listOption(input, 'database');
  const observed = await inspectAll(cluster.connection, maintenance, databases.length === 0 ? undefined : databases);
  refuseMissing(databases, observed);
  const options = importOptions(input, observed, maintenance);
  const details = new Map<string, DatabaseDetails>();
  for (const name of options.databases) details.set(name, await inspectDetails(cluster.connection, name));
  const built = buildFile(observed, options, details);
  const left = leftOut(observed, options, details);
  const about = [
    `Imported from ${cluster.name} (PostgreSQL ${observed.cluster.major}) by dbadmin ${version} on ${clock.now().toISOString().slice(0, 10)}.`,
    ...left.map((line) => `Not in here: ${printable(line)}`),
  ];
  const text = writeYaml(built.tree, about);
  const differences = await differencesOf(text, shownFile, cluster.connection, clock.now());
  if (!flagOption(input, 'draft')) refuseInexact(differences);
  const drafted =
    differences.length === 0
      ? text
      : writeYaml(built.tree, [...about, ...differences.map((line) => `To be changed by apply: ${printable(line)}`)]);
  if (isPrinted) output.raw(drafted);
  else await writeRolesFile(file, drafted, flagOption(input, 'overwrite'));
  const said = summary(built, isPrinted ? undefined : shownFile, differences.length);
  if (isPrinted) output.note(said);
  else output.line(said);
  for (const line of left) output.note(`not in it: ${printable(line)}`);
  if (!isPrinted) output.result({ file, ...built.counts, inSync: differences.length === 0, differences, leftOut: left });
  return differences.length === 0 ? 0 : EXIT_DRIFT;
}

function importOptions(input: CommandInput, observed: ObservedState, maintenanceDatabase: string): ImportOptions {
  const [roleGlobs, humans] = [listOption(input, 'roles'), listOption(input, 'humans')];
  return {
    databases: [...observed.databases.keys()],
    maintenanceDatabase,
    declares: (role) =>
      isOurs(role, observed.cluster) && (roleGlobs.length === 0 ? !matchesAny(role, OF_PROVIDERS) : matchesAny(role, roleGlobs)),
    roleGlobs,
    isHuman: (role) => matchesAny(role, humans),
    wildcards: !flagOption(input, 'byName'),
  };
}

/** The server's own roles, the bootstrap superuser and whoever is connected are managed by no file. */
function isOurs(role: string, cluster: ClusterState): boolean {
  return cluster.roles.has(role) && !role.startsWith('pg_') && role !== cluster.bootstrapSuperuser && !isConnected(role, cluster);
}

function summary({ counts }: ImportedFile, file: string | undefined, differences: number): string {
  const lines = `${plural(counts.accessLines, 'access line')}, ${plural(counts.grantLines, 'grant line')}`;
  const what = `${plural(counts.roles, 'role')}, ${plural(counts.profiles, 'profile')}, ${plural(counts.databases, 'database')}, ${lines}`;
  const proof = differences === 0 ? 'its plan is empty' : `its plan has ${plural(differences, 'change')}`;
  return `${file === undefined ? '' : `${file}: `}${what}; ${proof}`;
}

function refuseMissing(databases: readonly string[], observed: ObservedState): void {
  const missing = databases.filter((name) => !observed.databases.has(name));
  if (missing.length === 0) return;
  throw new DbadminError('usage', `there is no database ${missing.join(', ')} to import, or it takes no connections`, {
    detail: `There are ${[...observed.cluster.databases.keys()].sort().join(', ')}.`,
  });
}

function plural(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? '' : 's'}`;
}
