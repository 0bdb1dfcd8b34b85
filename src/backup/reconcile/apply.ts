import type { Sql, TransactionSql } from 'postgres';
import { DbadminError, messageOf, systemCodeOf } from '../../base/errors.ts';
import { printable } from '../../base/printable.ts';
import { byCatalogAlone } from '../../postgres/catalog-path.ts';
import { openClient } from '../../postgres/client.ts';
import { TAKES_CONNECTIONS_SQL } from '../../postgres/open-database.ts';
import type { ConnectionParameters } from '../../postgres/parameters.ts';
import { inspectPrepared, type PreparedTransaction } from '../../postgres/prepared-inspect.ts';
import { quoteLiteral } from '../../postgres/quote.ts';
import type { LedgerEntry } from '../../repository/ledger.ts';
import { describeEntry } from './describe.ts';
import { ownedBySql, statementsFor, type ReconcileStatement } from './statements.ts';

const APPLICATION_NAME = 'dbadmin reconcile';
const LONGEST_LOCK_WAIT = '10s';
const LOCK_NOT_AVAILABLE = '55P03';

/**
 * What was done about one entry. `nothing-to-undo`: the role, database or object it is about is not in the restored cluster. `left-as-owner`:
 * the role is there, as nobody and with no right but to what it owns, since whose that is to be is not known.
 */
export interface Reconciled {
  readonly entry: LedgerEntry;
  readonly outcome: 'undone' | 'nothing-to-undo' | 'left-to-files' | 'left-as-owner';
  /** What a role that is left owns: `music: table core.play`, with the database. */
  readonly owned?: readonly string[];
}

/**
 * Undoes the return of what `entries` took away, in their order, as a superuser. Nobody else may be able to connect yet.
 *
 * @throws {DbadminError} `not-converged` at the first entry that the server refused, naming it: the cluster is then not fit
 * for connections.
 */
export async function applyReconcile(superuser: ConnectionParameters, entries: readonly LedgerEntry[]): Promise<readonly Reconciled[]> {
  const done: Reconciled[] = [];
  const prepared = entries.length === 0 ? [] : await inspectPrepared(superuser);
  // Nobody else holds a lock here for long, and those of prepared transactions are never let go of by themselves.
  const settings = prepared.length === 0 ? {} : { lock_timeout: LONGEST_LOCK_WAIT };
  for (const entry of entries) {
    try {
      const outcome = await undo(superuser, entry, settings);
      const owned = outcome === 'undone' && entry.deed.kind === 'role-dropped' ? await ownedBy(superuser, entry.deed.role) : [];
      done.push(owned.length === 0 ? { entry, outcome } : { entry, outcome: 'left-as-owner', owned });
    } catch (error) {
      throw new DbadminError('not-converged', `what came back could not be taken away again: ${describeEntry(entry)}`, {
        detail: `${messageOf(error)} (SQLSTATE ${systemCodeOf(error) ?? 'unknown'}).`,
        hint: prepared.length > 0 && systemCodeOf(error) === LOCK_NOT_AVAILABLE ? hintForPrepared(prepared) : hintFor(entry),
        // The statement of a password holds its verifier.
        ...(entry.deed.kind === 'password-rotated' ? {} : { cause: error }),
      });
    }
  }
  return done;
}

function hintFor({ deed }: LedgerEntry): string {
  return deed.kind === 'subject-forgotten'
    ? 'The procedure may be newer than the moment restored to: give --replay-migrations, and it is made first.'
    : 'Nobody can connect to the restored cluster. The same restore meets the same refusal: restore to a moment after that, or to the same one without --reconcile where nobody but you can connect, and take it away by hand.';
}

function hintForPrepared(prepared: readonly PreparedTransaction[]): string {
  const names = prepared.map(({ gid, database }) => `${printable(quoteLiteral(gid))} in database ${printable(database)}`).join(', ');
  return `It may be locked by a transaction that was prepared and not ended at that moment: ${names}. Nobody can connect to the restored cluster. Restore to a moment when none was prepared, or to the same one without --reconcile where nobody but you can connect, end them there with COMMIT PREPARED or ROLLBACK PREPARED, and take away by hand what came back.`;
}

async function undo(
  superuser: ConnectionParameters,
  { deed }: LedgerEntry,
  settings: Readonly<Record<string, string>>,
): Promise<Reconciled['outcome']> {
  const statements = statementsFor(deed);
  if (statements.length === 0) return 'left-to-files';
  let ran = false;
  for (const statement of statements) {
    for (const database of await databasesFor(superuser, statement)) {
      // Event triggers of the database may find by its path what they name.
      const sql = await openClient({ ...superuser, database }, { applicationName: APPLICATION_NAME, settings, path: 'own' });
      try {
        if (!(await isThere(sql, statement))) continue;
        await run(sql, statement);
        ran = true;
      } finally {
        await sql.end({ timeout: 5 });
      }
    }
  }
  return ran ? 'undone' : 'nothing-to-undo';
}

/** What a role owns, each with its database; empty when it is not there. */
async function ownedBy(superuser: ConnectionParameters, role: string): Promise<readonly string[]> {
  const found = new Set<string>();
  for (const database of await databasesFor(superuser, { where: { kind: 'each' } })) {
    const sql = await openClient({ ...superuser, database }, { applicationName: APPLICATION_NAME });
    try {
      const here = 's.dbid = (SELECT oid FROM pg_database WHERE datname = current_database())';
      const names = `SELECT CASE WHEN s.dbid = 0 THEN '' ELSE current_database() || ': ' END || o.type || ' ' || o.identity AS name`;
      const objects = ownedBySql(role, 's.dbid, s.classid, s.objid, s.objsubid');
      const rows = await sql.unsafe<{ name: string }[]>(
        `${names} FROM (${objects} AND (s.dbid = 0 OR ${here})) s, pg_identify_object(s.classid, s.objid, s.objsubid) o ORDER BY 1`,
      );
      for (const { name } of rows) found.add(name);
    } finally {
      await sql.end({ timeout: 5 });
    }
  }
  return [...found];
}

async function databasesFor(superuser: ConnectionParameters, { where }: Pick<ReconcileStatement, 'where'>): Promise<readonly string[]> {
  if (where.kind === 'any') return [superuser.database];
  const sql = await openClient(superuser, { applicationName: APPLICATION_NAME });
  try {
    const rows = await sql<{ datname: string }[]>`
      select datname from pg_database d where ${sql.unsafe(TAKES_CONNECTIONS_SQL)} order by datname`;
    const names = rows.map(({ datname }) => datname);
    return where.kind === 'each' ? names : names.filter((name) => name === where.name);
  } finally {
    await sql.end({ timeout: 5 });
  }
}

/** What dbadmin asks itself is asked of the catalog, but for names that were typed without a schema. */
async function asked<Value>(sql: TransactionSql, { path }: ReconcileStatement, ask: () => Promise<Value>): Promise<Value> {
  return path === 'own' ? await ask() : await byCatalogAlone(sql, ask);
}

/** Before PostgreSQL 16 to_regprocedure refuses a type, or a type's schema, that is not there: then no routine has it. */
const TYPE_MISSING: ReadonlySet<string> = new Set(['42704', '3F000']);

/** Whether the roles and the object are there that the statement is about. */
async function isThere(sql: Sql, statement: ReconcileStatement): Promise<boolean> {
  const { roles, presence } = statement;
  if (roles.length === 0 && presence === undefined) return true;
  try {
    return await sql.begin(
      async (transaction) =>
        await asked(transaction, statement, async () => {
          if (!(await hasRoles(transaction, roles))) return false;
          return presence === undefined || (await transaction.unsafe(presence)).length > 0;
        }),
    );
  } catch (error) {
    if (TYPE_MISSING.has(systemCodeOf(error) ?? '')) return false;
    throw error;
  }
}

async function hasRoles(sql: TransactionSql, roles: readonly string[]): Promise<boolean> {
  if (roles.length === 0) return true;
  const rows = await sql`select 1 from pg_roles where rolname in ${sql([...roles])}`;
  return rows.length === new Set(roles).size;
}

async function run(sql: Sql, statement: ReconcileStatement): Promise<void> {
  if (statement.kind === 'calls') {
    // A procedure may end transactions, so it gets none of ours.
    await sql.unsafe(statement.sql, [...statement.values]);
    return;
  }
  await sql.begin(async (transaction) => {
    if (statement.secret) await asked(transaction, statement, async () => await silence(transaction));
    if (statement.kind === 'runs') {
      await transaction.unsafe(statement.sql);
      return;
    }
    const generated = await asked(transaction, statement, async () => await transaction.unsafe(statement.sql).values());
    for (const row of generated) await transaction.unsafe(String(row[0]));
  });
}

/** Keeps a verifier out of the server's log. */
async function silence(sql: TransactionSql): Promise<void> {
  await sql`select set_config('log_statement', 'none', true), set_config('log_min_duration_statement', '-1', true),
    set_config('log_min_error_statement', 'panic', true), set_config('track_activities', 'off', true)`;
}
