import { stat } from 'node:fs/promises';
import { checkReachable } from '../../backup/restore/lay-down-apply.ts';
import { DbadminError, messageOf } from '../../base/errors.ts';
import type { ClusterConfig, Config, RepositoryConfig } from '../../config/config.ts';
import type { SystemUser } from '../../postgres/server.ts';
import { programFile } from '../schedule/job-commands.ts';

/**
 * The words that fetch WAL of this lineage from anywhere and by anybody: absolute paths, nothing from an environment that a
 * server does not have.
 *
 * @throws {DbadminError} `config-missing` when there is no file to name.
 */
export function walGetWords(
  config: Config,
  cluster: ClusterConfig,
  repository: RepositoryConfig,
  systemIdentifier: string,
): readonly string[] {
  if (config.file === undefined)
    throw new DbadminError('config-missing', 'a restored production needs a dbadmin.yaml to name in its restore_command', {
      hint: 'Make one with dbadmin init.',
    });
  return [
    process.execPath,
    programFile(),
    'wal',
    'get',
    '--config',
    config.file,
    '--cluster',
    cluster.name,
    '--repository',
    repository.name,
    '--system-identifier',
    systemIdentifier,
  ];
}

/**
 * Why the user who will run the server cannot fetch WAL with these words, or undefined: it has to read the configuration
 * file and enter the directories above it and above Node.
 */
export async function obstacleFor(owner: SystemUser | undefined, words: readonly string[]): Promise<string | undefined> {
  if (owner === undefined) return undefined;
  const [program = '/', script = '/', , , , config = '/'] = words;
  for (const file of [config, program, script]) {
    try {
      await checkReachable(file, owner);
    } catch (error) {
      return messageOf(error);
    }
    const info = await stat(file).catch(() => undefined);
    const bit = info?.uid === owner.uid ? 0o400 : info?.gid === owner.gid ? 0o040 : 0o004;
    if (info !== undefined && (info.mode & bit) === 0) return `user ${owner.name}, who is to run the server, cannot read ${file}`;
  }
  return undefined;
}
