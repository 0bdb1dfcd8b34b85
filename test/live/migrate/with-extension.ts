import { existsSync } from 'node:fs';
import { withScratch } from '../../../src/migrate/schema/scratch-run.ts';
import type { ConnectionParameters } from '../../../src/postgres/parameters.ts';
import { createTestDatabase } from '../../postgres/fixture.ts';
import { parametersOf } from './project.ts';

/**
 * Does `work` with an empty database where the extension can be made: in the shared cluster when that is a container with it,
 * else on a server of this machine's own packages. False, said aloud, where neither has it: the embedded servers have none.
 */
export async function withExtension(name: string, work: (connection: ConnectionParameters) => Promise<void>): Promise<boolean> {
  const shared = await createTestDatabase();
  try {
    const found = await shared.sql`select from pg_available_extensions where name = ${name}`;
    if (found.length > 0) {
      await work(parametersOf(shared.url));
      return true;
    }
  } finally {
    await shared.drop();
  }
  for (const major of [18, 17, 16, 15, 14]) {
    if (!existsSync(`/usr/share/postgresql/${major}/extension/${name}.control`)) continue;
    await withScratch({ kind: 'own', major }, 'app', process.env, work);
    return true;
  }
  process.stderr.write(
    `SKIPPED: no server here has the extension ${name}; install postgresql-<major>-${name.replaceAll('_', '-')}, or run Docker\n`,
  );
  return false;
}
