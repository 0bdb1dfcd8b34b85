import type { Sql } from 'postgres';
import { messageOf, systemCodeOf } from '../../base/errors.ts';
import { quoteLiteral, quoteName } from '../../postgres/quote.ts';
import { isClosed, localeOptions, propertyStatements, type DatabaseProperties } from './database-properties.ts';

/** A statement that the server refused, and what it said. */
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

/** Gives a restored database its owner, settings and privileges. Gives what the server refused: the database is whole without it. */
export async function applyProperties(sql: Sql, name: string, properties: DatabaseProperties | undefined): Promise<readonly NotApplied[]> {
  if (properties === undefined) return [];
  const notApplied: NotApplied[] = [];
  for (const statement of propertyStatements(properties, name)) {
    try {
      await sql.unsafe(statement);
    } catch (error) {
      if (!/^[0-9A-Z]{5}$/.test(systemCodeOf(error) ?? '')) throw error;
      notApplied.push({ statement, reason: messageOf(error) });
    }
  }
  return notApplied;
}
