import type postgres from 'postgres';
import { messageOf } from '../../base/errors.ts';
import { openClient } from '../../postgres/client.ts';
import type { ConnectionParameters } from '../../postgres/parameters.ts';
import { cloneError } from './clone-error.ts';
import type { AssertionResult } from './report.ts';

/** A query and the one value that it must give. */
export interface DrillAssertion {
  readonly sql: string;
  readonly is: string | number | boolean | null;
}

/** Asks the clone, in transactions that cannot write and sessions with these settings. What cannot be asked does not hold. */
export async function runAssertions(
  parameters: ConnectionParameters,
  assertions: readonly DrillAssertion[],
  signal: AbortSignal,
  settings: Readonly<Record<string, string>> = {},
): Promise<readonly AssertionResult[]> {
  if (assertions.length === 0) return [];
  const results: AssertionResult[] = [];
  let sql: postgres.Sql;
  try {
    sql = await openClient(parameters, { applicationName: 'dbadmin drill', settings, path: 'own' });
  } catch (error) {
    const got = `no answer: ${messageOf(error)}`;
    return assertions.map((each) => ({ ...each, got, holds: false }));
  }
  try {
    for (const { sql: text, is } of assertions) {
      signal.throwIfAborted();
      const answer = await ask(sql, text);
      results.push({ sql: text, is, got: describe(answer), holds: answer.kind === 'value' && isEqual(answer.value, is) });
    }
  } finally {
    await sql.end({ timeout: 5 });
  }
  return results;
}

type Answer = { readonly kind: 'value'; readonly value: unknown } | { readonly kind: 'unfit'; readonly reason: string };

async function ask(sql: postgres.Sql, text: string): Promise<Answer> {
  try {
    const rows = await sql.begin('read only', async (transaction) => await transaction.unsafe(text).values());
    const [first] = rows as readonly (readonly unknown[])[];
    if (rows.length !== 1 || !Array.isArray(first) || first.length !== 1)
      return { kind: 'unfit', reason: `${rows.length} rows of ${Array.isArray(first) ? first.length : 0} columns, not one value` };
    return { kind: 'value', value: first[0] };
  } catch (error) {
    const fault = cloneError(error);
    if (fault?.code === 'refused') throw fault;
    return { kind: 'unfit', reason: `an error: ${messageOf(error)}` };
  }
}

function describe(answer: Answer): string {
  return answer.kind === 'value' ? plain(answer.value) : answer.reason;
}

const WHOLE = /^\s*([+-]?\d+)(?:\.0*)?\s*$/;

/** Numbers are compared as numbers, since bigint and numeric come as text, and whole ones to the last digit; everything else as it prints. */
export function isEqual(value: unknown, is: DrillAssertion['is']): boolean {
  if (is === null || value === null || value === undefined) return is === null && (value === null || value === undefined);
  if (typeof is === 'number') return typeof value !== 'boolean' && isNumber(plain(value), is);
  if (typeof is === 'boolean') return value === is;
  return plain(value) === is;
}

function isNumber(text: string, is: number): boolean {
  const [, whole] = WHOLE.exec(text) ?? [];
  // As doubles 9007199254740993 and 9007199254740992 are one.
  if (whole !== undefined && Number.isInteger(is)) return BigInt(whole) === BigInt(is);
  return text.trim() !== '' && Number(text) === is;
}

function plain(value: unknown): string {
  if (value === null || value === undefined) return 'null';
  if (value instanceof Date) return value.toISOString();
  if (typeof value === 'string') return value;
  return typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint' ? String(value) : JSON.stringify(value);
}
