import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { DbadminError, isDbadminError, messageOf, systemCodeOf } from '../../base/errors.ts';
import type { Config } from '../../config/config.ts';
import { parsePolicies } from '../../schedule/parse.ts';
import type { Policies } from '../../schedule/policies.ts';
import type { CommandContext, CommandInput } from '../command.ts';
import { loadProject } from '../load-project.ts';

export interface LoadedPolicies {
  readonly config: Config;
  readonly policies: Policies;
  /** The zone of this machine, that of times which name none. */
  readonly localZone: string;
}

/** The project, and its schedule where that can be read. */
export interface FoundPolicies extends Omit<LoadedPolicies, 'policies'> {
  readonly policies: Policies | undefined;
  /** Why they cannot be read: `config-missing` where there are none. */
  readonly problem: DbadminError | undefined;
}

/** The project's schedule, its references checked against the configuration. */
export async function loadPolicies(context: CommandContext, input: CommandInput): Promise<LoadedPolicies> {
  const { config, policies, localZone, problem } = await findPolicies(context, input);
  if (policies === undefined) throw problem ?? new DbadminError('internal', 'policies that are not there have a reason');
  return { config, policies, localZone };
}

/**
 * The same for a command that has something to tell without the policies: what ran and what is wrong is asked for most
 * when somebody has just broken them.
 */
export async function findPolicies(context: CommandContext, input: CommandInput): Promise<FoundPolicies> {
  const { config } = await loadProject(context, input);
  const localZone = new Intl.DateTimeFormat().resolvedOptions().timeZone;
  try {
    return { config, policies: await parseFile(context, config, localZone), localZone, problem: undefined };
  } catch (error) {
    if (!isDbadminError(error)) throw error;
    return { config, policies: undefined, localZone, problem: error };
  }
}

async function parseFile({ cwd, env }: CommandContext, config: Config, localZone: string): Promise<Policies> {
  const file = config.paths.policies;
  const relative = path.relative(cwd, file);
  return parsePolicies(await readPolicies(file), {
    file: relative.startsWith('..') ? file : relative,
    env,
    localZone,
    known: { clusters: new Set(config.clusters.keys()), repositories: new Set(config.repositories.keys()) },
  });
}

async function readPolicies(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    const missing = systemCodeOf(error) === 'ENOENT';
    throw new DbadminError(missing ? 'config-missing' : 'file-unreadable', missing ? `there is no ${file}` : `cannot read ${file}`, {
      ...(missing ? {} : { detail: messageOf(error) }),
      hint: 'dbadmin init makes one; paths.policies in dbadmin.yaml names another.',
      cause: error,
    });
  }
}
