import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { DbadminError, messageOf, systemCodeOf } from '../../base/errors.ts';
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

/** The project's schedule, its references checked against the configuration. */
export async function loadPolicies(context: CommandContext, input: CommandInput): Promise<LoadedPolicies> {
  const { config } = await loadProject(context, input);
  const file = config.paths.policies;
  const localZone = new Intl.DateTimeFormat().resolvedOptions().timeZone;
  const relative = path.relative(context.cwd, file);
  const policies = parsePolicies(await readPolicies(file), {
    file: relative.startsWith('..') ? file : relative,
    env: context.env,
    localZone,
    known: { clusters: new Set(config.clusters.keys()), repositories: new Set(config.repositories.keys()) },
  });
  return { config, policies, localZone };
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
