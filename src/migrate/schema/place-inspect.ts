import { DbadminError, isDbadminError } from '../../base/errors.ts';
import { findClientProgram, findServerPrograms, type Environment } from '../../postgres/programs.ts';
import { NEWEST_MAJOR, OLDEST_MAJOR } from '../../postgres/server-version.ts';

/**
 * The newest major of which this machine has server programs, and a pg_dump for them. For projects that do not say what they run on.
 *
 * @throws {DbadminError} `program-missing`.
 */
export async function newestReplayMajor(env: Environment): Promise<number> {
  for (let major = NEWEST_MAJOR; major >= OLDEST_MAJOR; major -= 1) {
    if ((await hasDumper(major, env)) && (await findServerPrograms(major, env)) !== undefined) return major;
  }
  throw new DbadminError('program-missing', 'this machine has no PostgreSQL on which the migrations could be replayed', {
    detail: 'Wanted are the server programs of one major and a pg_dump of the same or a newer one.',
    hint: 'Install a PostgreSQL, set DBADMIN_PG_BIN_<major> to the directory of its programs, or name a server that is not production: --scratch URL.',
  });
}

async function hasDumper(major: number, env: Environment): Promise<boolean> {
  try {
    await findClientProgram('pg_dump', { atLeastMajor: major }, env);
    return true;
  } catch (error) {
    if (isDbadminError(error, 'program-missing')) return false;
    throw error;
  }
}

/**
 * The newest major of which this machine has server programs.
 *
 * @throws {DbadminError} `program-missing`.
 */
export async function newestServerMajor(env: Environment): Promise<number> {
  for (let major = NEWEST_MAJOR; major >= OLDEST_MAJOR; major -= 1) {
    if ((await findServerPrograms(major, env)) !== undefined) return major;
  }
  throw new DbadminError('program-missing', 'this machine has no PostgreSQL for a scratch server', {
    hint: 'Install a PostgreSQL, set DBADMIN_PG_BIN_<major> to the directory of its programs, or name a server that is not production: --scratch URL.',
  });
}
