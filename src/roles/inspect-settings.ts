import postgres, { type Sql } from 'postgres';
import { inSnapshot } from './inspect-cluster.ts';
import { settingAssignment } from './print.ts';
import type { StoredSetting } from './state.ts';

/**
 * Settings that are not tried: what they name may not be there when they are stored and must be when they are set, or only a
 * transaction that has done nothing yet may set them.
 */
export const UNTRIED: readonly string[] = [
  'role',
  'session_authorization',
  'default_tablespace',
  'temp_tablespaces',
  'default_table_access_method',
  'default_text_search_config',
  'transaction_isolation',
  'transaction_read_only',
  'transaction_deferrable',
];

/** The value is not one, there is no such setting, or nobody can set it while the server runs. */
const REFUSALS = /^(?:22.*|42602|42704|55P02)$/;

/**
 * Why the server would not store each of `settings` that it would not, by `settingAssignment`. Each is set for a moment, in a
 * read-only transaction that is rolled back: what it takes there it takes from ALTER … SET too, and the other way round. What
 * the role that is connected may not set says nothing about the value.
 */
export async function refusedSettings(sql: Sql, settings: readonly StoredSetting[]): Promise<ReadonlyMap<string, string>> {
  const refused = new Map<string, string>();
  const assignments = new Set(settings.filter(({ name }) => !UNTRIED.includes(name)).map(settingAssignment));
  if (assignments.size === 0) return refused;
  await inSnapshot(sql, async (snapshot) => {
    for (const assignment of assignments) {
      try {
        // One message: a timeout that is being tried is over before there is anything for it to end.
        await snapshot.savepoint(
          async (attempt) => await attempt.unsafe(`SAVEPOINT before; SET LOCAL ${assignment}; ROLLBACK TO SAVEPOINT before`),
        );
      } catch (error) {
        if (!(error instanceof postgres.PostgresError)) throw error;
        if (REFUSALS.test(error.code)) refused.set(assignment, reasonOf(error));
      }
    }
  });
  return refused;
}

function reasonOf({ message, detail, hint }: postgres.PostgresError): string {
  // A server that has neither sends neither.
  const more = [detail, hint].filter((text: string | undefined) => text !== undefined);
  return [message, ...more.map((text) => text.replace(/\.$/, ''))].join('; ');
}
