import type { Sql, TransactionSql } from 'postgres';
import { DbadminError, messageOf } from '../../base/errors.ts';
import { planGlobals, type GlobalsPlan, type Membership } from './globals-plan.ts';
import { splitGlobals } from './globals-statements.ts';

export interface AppliedGlobals {
  /** Statements that were run. */
  readonly applied: number;
  /** Roles and tablespaces of the dump that were there and stayed as they were. */
  readonly kept: GlobalsPlan['kept'];
  /** Statements that were not run: they would have given something to a role that was there. */
  readonly leftOut: readonly string[];
}

/**
 * Makes the roles and tablespaces of a dump that the cluster has not got, the roles in one transaction.
 *
 * @throws {DbadminError} `query-failed` with the statement that the server refused.
 */
export async function applyGlobals(sql: Sql, text: string, signal: AbortSignal): Promise<AppliedGlobals> {
  const roles = await sql<{ name: string }[]>`select rolname as name from pg_catalog.pg_roles`;
  const tablespaces = await sql<{ name: string }[]>`select spcname as name from pg_catalog.pg_tablespace`;
  const memberships = await sql<Membership[]>`
    select pg_get_userbyid(roleid) as role, pg_get_userbyid(member) as member from pg_catalog.pg_auth_members`;
  const plan = planGlobals(splitGlobals(text), {
    roles: new Set(roles.map(({ name }) => name)),
    tablespaces: new Set(tablespaces.map(({ name }) => name)),
    memberships,
  });
  await runAll(sql, plan.settings, signal, refusedRoles);
  await sql.begin(async (transaction) => await runAll(transaction, plan.roles, signal, refusedRoles));
  await runAll(sql, plan.tablespaces, signal, refusedTablespaces);
  return { applied: plan.roles.length + plan.tablespaces.length, kept: plan.kept, leftOut: plan.leftOut };
}

async function runAll(
  sql: Sql | TransactionSql,
  statements: readonly string[],
  signal: AbortSignal,
  refused: (error: unknown, statement: string) => DbadminError,
): Promise<void> {
  for (const statement of statements) {
    signal.throwIfAborted();
    try {
      await sql.unsafe(statement);
    } catch (error) {
      throw refused(error, statement);
    }
  }
}

/** Nothing of them is there: they come in one transaction, and before the rest. */
function refusedRoles(error: unknown, statement: string): DbadminError {
  return new DbadminError('query-failed', 'the globals of the dump cannot be applied', {
    detail: `${messageOf(error)}\n${statement}`,
    hint: 'Roles, memberships and settings need a superuser. Without --globals the databases are restored alone.',
    cause: error,
  });
}

function refusedTablespaces(error: unknown, statement: string): DbadminError {
  return new DbadminError('query-failed', 'the tablespaces of the dump cannot be made', {
    detail: `${messageOf(error)}\n${statement}\nThe roles of the dump are there now, and what comes before this statement; no database was restored.`,
    hint: 'Tablespaces need a superuser and their directory on the server, empty and of the user that PostgreSQL runs as. Mend that and run this again, which leaves what is there as it is; without --globals the databases are restored alone.',
    cause: error,
  });
}
