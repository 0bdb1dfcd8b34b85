import { DbadminError } from '../../base/errors.ts';
import type { ClusterConfig, Config, RepositoryConfig } from '../../config/config.ts';
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
