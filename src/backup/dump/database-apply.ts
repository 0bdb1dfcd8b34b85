import type { Sql } from 'postgres';
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

/**
 * Gives a restored database its owner, settings and privileges, over a connection of its own: one from before the content came may be
 * lost by now. Gives what the server refused, and what was left when it could not be reached: the database is whole without it.
 */
export async function applyProperties(
  parameters: ConnectionParameters,
  name: string,
  properties: DatabaseProperties | undefined,
): Promise<readonly NotApplied[]> {
  const statements = properties === undefined ? [] : propertyStatements(properties, name);
  if (statements.length === 0) return [];
  let sql: Sql;
  try {
    sql = await openClient(parameters);
  } catch (error) {
    if (error instanceof DbadminError) return statements.map((statement) => ({ statement, reason: reasonOf(error) }));
    throw error;
  }
  try {
    return await runEach(sql, statements);
  } finally {
    await sql.end({ timeout: 1 });
  }
}

async function runEach(sql: Sql, statements: readonly string[]): Promise<readonly NotApplied[]> {
  const notApplied: NotApplied[] = [];
  for (const [at, statement] of statements.entries()) {
    try {
      await sql.unsafe(statement);
    } catch (error) {
      if (!isServerError(error)) {
        if (systemCodeOf(error) === undefined) throw error;
        const reason = `the connection was lost: ${messageOf(error)}`;
        return [...notApplied, ...statements.slice(at).map((left) => ({ statement: left, reason }))];
      }
      notApplied.push({ statement, reason: messageOf(error) });
    }
  }
  return notApplied;
}
