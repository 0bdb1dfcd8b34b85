import { DbadminError, messageOf } from '../base/errors.ts';
import { openClient } from '../postgres/client.ts';
import type { ConnectionParameters } from '../postgres/parameters.ts';
import type { UninstallPlan, UninstallStep } from './plan.ts';

/**
 * Runs the steps in order: those of one database that follow each other are one transaction; slots go one by one, which no
 * transaction takes back.
 *
 * @throws {DbadminError} `partly-done` with what was done before the failure; running it again goes on from there.
 */
export async function applyUninstall(connection: ConnectionParameters, { steps }: UninstallPlan): Promise<readonly UninstallStep[]> {
  const done: UninstallStep[] = [];
  for (const group of groups(steps)) {
    const database = group[0]?.database ?? connection.database;
    try {
      // With the path of the database: event triggers may find by it what they name.
      const sql = await openClient(
        { ...connection, database },
        { applicationName: 'dbadmin uninstall', max: 1, path: 'own', onNotice: () => undefined },
      );
      try {
        await sql.begin(async (transaction) => {
          for (const step of group) await transaction.unsafe(step.sql);
        });
      } finally {
        await sql.end({ timeout: 5 });
      }
    } catch (error) {
      throw new DbadminError(done.length === 0 ? 'query-failed' : 'partly-done', `${group[0]?.what ?? 'a step'} could not be removed`, {
        detail: `${messageOf(error)}. ${done.length} of ${steps.length} steps were done before.`,
        hint: 'Mend the cause and run dbadmin uninstall again: it goes on with what is left.',
        cause: error,
      });
    }
    done.push(...group);
  }
  return done;
}

function groups(steps: readonly UninstallStep[]): readonly (readonly UninstallStep[])[] {
  const all: UninstallStep[][] = [];
  for (const step of steps) {
    const last = all.at(-1);
    if (last?.[0]?.database !== undefined && last[0].database === step.database) last.push(step);
    else all.push([step]);
  }
  return all;
}
