import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { DbadminError, messageOf } from '../../base/errors.ts';
import type { ConnectionParameters } from '../../postgres/parameters.ts';
import type { RolesDocument } from '../../roles/document/document.ts';
import { parseRolesDocument } from '../../roles/document/parse.ts';
import { inspectRoles } from '../../roles/inspect.ts';
import type { PasswordSources } from '../../roles/inspect-passwords.ts';
import { planRoles, type RolesPlan } from '../../roles/plan.ts';
import { refuseUnsupported } from '../../roles/refusal.ts';
import { textOption, type CommandContext, type CommandInput } from '../command.ts';
import { loadProject } from '../load-project.ts';

/** The roles file of a project and where it is to hold. */
export interface RolesProject {
  readonly clusterName: string;
  readonly connection: ConnectionParameters;
  readonly document: RolesDocument;
  readonly sources: PasswordSources;
}

/**
 * The roles file, read and checked before anything is asked of a server.
 *
 * @throws {DbadminError} `file-unreadable`, `roles-invalid`, `roles-unsupported` and what loading the configuration throws.
 */
export async function loadRoles(context: CommandContext, input: CommandInput): Promise<RolesProject> {
  const { config, cluster } = await loadProject(context, input);
  const given = textOption(input, 'file');
  const file = given === undefined ? config.paths.roles : path.resolve(context.cwd, given);
  const document = parseRolesDocument(await readText(file), path.relative(context.cwd, file) || file);
  refuseUnsupported(document);
  return {
    clusterName: cluster.name,
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
  readonly major: number;
}

/** Looks at the cluster and plans. */
export async function inspectAndPlan(context: CommandContext, project: RolesProject): Promise<InspectedPlan> {
  const observed = await inspectRoles(project.document, project.connection, project.sources);
  return { plan: planRoles(project.document, observed, context.clock.now()), major: observed.cluster.major };
}
