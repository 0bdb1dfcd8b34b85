import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { DbadminError, messageOf } from '../../base/errors.ts';
import type { ClusterConfig, Config } from '../../config/config.ts';
import type { ConnectionParameters } from '../../postgres/parameters.ts';
import { MODES, type RolesDocument } from '../../roles/document/document.ts';
import { parseRolesDocument } from '../../roles/document/parse.ts';
import { inspectRoles } from '../../roles/inspect.ts';
import type { PasswordSources } from '../../roles/inspect-passwords.ts';
import { planRoles, type RolesPlan } from '../../roles/plan.ts';
import type { RolesFile } from '../../roles/saved-plan.ts';
import type { ObservedState } from '../../roles/state.ts';
import { listOption, textOption, type CommandContext, type CommandInput } from '../command.ts';
import { givenOptions } from '../given-options.ts';
import { loadProject } from '../load-project.ts';
import { leaveToMigrations } from './left-to-migrations.ts';

/** The roles file of a project and where it is to hold. */
export interface RolesProject {
  readonly clusterName: string;
  readonly config: Config;
  readonly cluster: ClusterConfig;
  /** The roles file as it was read. */
  readonly file: RolesFile;
  readonly connection: ConnectionParameters;
  readonly document: RolesDocument;
  readonly sources: PasswordSources;
}

/**
 * The roles file, read and checked before anything is asked of a server.
 *
 * @throws {DbadminError} `file-unreadable`, `roles-invalid`, and what loading the configuration throws.
 */
export async function loadRoles(context: CommandContext, input: CommandInput): Promise<RolesProject> {
  const { config, cluster } = await loadProject(context, input);
  const given = textOption(input, 'file');
  const file = given === undefined ? config.paths.roles : path.resolve(context.cwd, given);
  const text = await readText(file);
  const name = path.relative(context.cwd, file) || file;
  const document = withOptions(parseRolesDocument(text, name), input);
  return {
    clusterName: cluster.name,
    config,
    cluster,
    file: { name, sha256: createHash('sha256').update(text, 'utf8').digest('hex') },
    connection: cluster.connection,
    document,
    sources: { env: context.env, directory: path.dirname(file) },
  };
}

/** The file as `--mode` and `--only` would have it. */
function withOptions(document: RolesDocument, input: CommandInput): RolesDocument {
  const mode = MODES.find((each) => each === textOption(input, 'mode')) ?? document.mode;
  const only = listOption(input, 'only');
  return { ...document, mode, ...(only.length === 0 ? {} : { only }) };
}

/**
 * A saved plan is of the whole file, as it stands.
 *
 * @throws {DbadminError} `usage`.
 */
export function refuseBesideSavedPlan(input: CommandInput): void {
  const given = givenOptions(input, ['mode', 'only']);
  if (given.length === 0) return;
  throw new DbadminError('usage', `${given.join(' ')} does not go with a saved plan: it is of the whole file`);
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new DbadminError('file-unreadable', `cannot read ${file}`, {
      detail: messageOf(error),
      hint: 'Name another with --file, or set paths.roles in dbadmin.yaml.',
      cause: error,
    });
  }
}

export interface InspectedPlan {
  /** What was planned: the file without what waits for migrations. */
  readonly document: RolesDocument;
  readonly plan: RolesPlan;
  readonly observed: ObservedState;
  readonly major: number;
}

/** Looks at the cluster and plans, for the role `as` where that is not the one that is connected. */
export async function inspectAndPlan(context: CommandContext, project: RolesProject, as?: string): Promise<InspectedPlan> {
  const observed = await inspectRoles(project.document, project.connection, project.sources, as);
  const { document, notes } = await leaveToMigrations(project, observed);
  const plan = planRoles(document, observed, context.clock.now());
  return { document, plan: { ...plan, notes: [...plan.notes, ...notes] }, observed, major: observed.cluster.major };
}
