import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { DbadminError, messageOf } from '../../base/errors.ts';
import type { ClusterConfig, Config } from '../../config/config.ts';
import type { ConnectionParameters } from '../../postgres/parameters.ts';
import type { RolesDocument } from '../../roles/document/document.ts';
import { parseRolesDocument } from '../../roles/document/parse.ts';
import { inspectRoles } from '../../roles/inspect.ts';
import type { PasswordSources } from '../../roles/inspect-passwords.ts';
import { planRoles, type RolesPlan } from '../../roles/plan.ts';
import type { RolesFile } from '../../roles/saved-plan.ts';
import type { ObservedState } from '../../roles/state.ts';
import { textOption, type CommandContext, type CommandInput } from '../command.ts';
import { loadProject } from '../load-project.ts';

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
  const document = parseRolesDocument(text, name);
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
  readonly plan: RolesPlan;
  readonly observed: ObservedState;
  readonly major: number;
}

/** Looks at the cluster and plans, for the role `as` where that is not the one that is connected. */
export async function inspectAndPlan(context: CommandContext, project: RolesProject, as?: string): Promise<InspectedPlan> {
  const observed = await inspectRoles(project.document, project.connection, project.sources, as);
  return { plan: planRoles(project.document, observed, context.clock.now()), observed, major: observed.cluster.major };
}
