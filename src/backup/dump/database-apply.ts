import type { Sql, TransactionSql } from 'postgres';
import { DbadminError, messageOf, reasonOf, systemCodeOf } from '../../base/errors.ts';
import { openClient } from '../../postgres/client.ts';
import type { ConnectionParameters } from '../../postgres/parameters.ts';
import { isServerError } from '../../postgres/postgres-error.ts';
import { quoteLiteral, quoteName } from '../../postgres/quote.ts';
import { isClosed, localeOptions, propertyStatements, type DatabaseProperties } from './database-properties.ts';

/** A statement that the server refused or that did not reach it, and why. */
export interface NotApplied {
  readonly statement: string;
  readonly reason: string;
}

/**
 * Makes an empty database of the encoding and locale that the properties have; without properties, or where the server has no such
 * locale, of its own. Where PUBLIC might not connect it may not from the beginning on. Gives what could not be had.
 */
export async function createDatabase(sql: Sql, name: string, properties: DatabaseProperties | undefined): Promise<readonly NotApplied[]> {
  const create = `CREATE DATABASE ${quoteName(name)} TEMPLATE template0`;
  if (properties === undefined) {
    await sql.unsafe(create);
    return [];
  }
  const [server] = await sql<{ major: number }[]>`select current_setting('server_version_num')::int / 10000 as major`;
  const whole = `${create} ${localeOptions(properties, server?.major ?? 0)}`;
  const notApplied = await tryEach(sql, [whole, `${create} ENCODING ${quoteLiteral(properties.encoding)}`, create]);
  if (isClosed(properties)) await sql.unsafe(`REVOKE ALL ON DATABASE ${quoteName(name)} FROM PUBLIC`);
  return notApplied;
}

/** What the server says to an encoding, a locale or a provider that it has not got. */
const LOCALE_REFUSED: ReadonlySet<string> = new Set(['0A000', '22023', '42601', '42704', '42809', '42P17']);

/** Runs the first of the statements that the server takes; gives those before it. */
async function tryEach(sql: Sql, [statement, ...others]: readonly string[]): Promise<readonly NotApplied[]> {
  if (statement === undefined) return [];
  try {
    await sql.unsafe(statement);
    return [];
  } catch (error) {
    if (others.length === 0 || !LOCALE_REFUSED.has(systemCodeOf(error) ?? '')) throw error;
    return [{ statement, reason: messageOf(error) }, ...(await tryEach(sql, others))];
  }
}

/** Sessions of others in a database keep it from getting its name: they are ended, and may come again. */
const ATTEMPTS = 5;

/**
 * Gives a restored database its name, and its owner, settings and privileges with it, in one transaction: until its end the database is
 * there under `workingName` alone. Over a connection of its own: one from before the content came may be lost by now. Gives what the
 * server refused.
 *
 * @throws {DbadminError} `query-failed` when it did not get its name, with what is to be said by hand.
 */
export async function nameDatabase(
  parameters: ConnectionParameters,
  workingName: string,
  name: string,
  properties: DatabaseProperties | undefined,
): Promise<readonly NotApplied[]> {
  const statements = properties === undefined ? [] : propertyStatements(properties, name);
  const rename = `ALTER DATABASE ${quoteName(workingName)} RENAME TO ${quoteName(name)}`;
  let notApplied: readonly NotApplied[] = [];
  for (let attempt = 1; ; attempt += 1) {
    try {
      const sql = await openClient(parameters);
      try {
        // An earlier attempt may have lost the connection after the server had done it all.
        if (attempt > 1 && (await sql`select from pg_catalog.pg_database where datname = ${workingName}`).length === 0) return notApplied;
        if (attempt > 1) await endSessions(sql, workingName);
        await sql.begin(async (transaction) => {
          await transaction.unsafe(rename);
          notApplied = await runEach(transaction, statements);
        });
        return notApplied;
      } finally {
        await sql.end({ timeout: 1 });
      }
    } catch (error) {
      if (attempt < ATTEMPTS && (!isServerError(error) || systemCodeOf(error) === '55006')) continue;
      throw new DbadminError('query-failed', `database ${quoteName(name)} is restored, and did not get its name`, {
        detail: `It is whole, and there as ${quoteName(workingName)}: ${reasonOf(error)}`,
        hint: ['Do the rest by hand:', ...[rename, ...statements].map((statement) => `${statement};`)].join('\n'),
        cause: error,
      });
    }
  }
}

/** Those of monitoring and poolers come by themselves. What may not be ended shows when the name is given. */
async function endSessions(sql: Sql, name: string): Promise<void> {
  try {
    await sql`select pg_catalog.pg_terminate_backend(pid) from pg_catalog.pg_stat_activity where datname = ${name}`;
  } catch (error) {
    if (!isServerError(error)) throw error;
  }
}

async function runEach(transaction: TransactionSql, statements: readonly string[]): Promise<readonly NotApplied[]> {
  const notApplied: NotApplied[] = [];
  for (const statement of statements) {
    try {
      await transaction.savepoint(async (point) => await point.unsafe(statement));
    } catch (error) {
      if (!isServerError(error)) throw error;
      notApplied.push({ statement, reason: messageOf(error) });
    }
  }
  return notApplied;
}
