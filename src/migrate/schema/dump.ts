import { invalidAt } from '../files/problems.ts';
import { scanStatements } from '../sql/statements.ts';

/** An object as pg_dump names it, with the statements that make it. */
export interface DumpedObject {
  /** pg_dump's word for what it is: `TABLE`, `FK CONSTRAINT`, `SEQUENCE OWNED BY`. */
  readonly type: string;
  /** Undefined for what lies in no schema. */
  readonly schema: string | undefined;
  /** `play`, `f(integer)`; `play play_pkey` for what belongs to a table. */
  readonly name: string;
  /** Without their semicolons. */
  readonly statements: readonly string[];
}

const HEADER = /^-- Name: (.*); Type: ([A-Z][A-Z ]*); Schema: (.*?)(?:; Owner: .*)?$/gm;

/** Settings of the session that wrote the dump, which say nothing about the schema and differ between programs. */
const SETTINGS =
  /^SET (statement_timeout|lock_timeout|idle_in_transaction_session_timeout|transaction_timeout|client_encoding|standard_conforming_strings|check_function_bodies|xmloption|client_min_messages|row_security|default_tablespace) = /;
const MEND =
  'Apply the migrations of both to a database of your own: dbadmin migrate; it writes the file anew, as dbadmin migrate dump does.';
const SEARCH_PATH = /^SELECT pg_catalog\.set_config\('search_path', '', false\)$/;
const DEFAULT_METHOD = 'SET default_table_access_method = heap';

/**
 * The objects in what pg_dump printed, or in a canonical dump, in their order. Names are looked for between the statements
 * only, so a function's body may hold lines that look like them. What stands there without a name keeps the one before.
 *
 * @throws {DbadminError} `migration-invalid` where the text is no SQL, or git left a conflict in it; `shown` is how messages name it.
 */
export function readDump(text: string, shown: string): readonly DumpedObject[] {
  const objects: { type: string; schema: string | undefined; name: string; statements: string[] }[] = [];
  const conflict = /^(<{7}|>{7}) .*$/m.exec(text);
  if (conflict !== null) {
    throw invalidAt(shown, text, conflict.index, 'two branches changed the schema, and nobody merged it yet', MEND);
  }
  let at = 0;
  for (const { text: statement, start } of scanStatements(text, shown).statements) {
    const header = lastHeader(text.slice(at, start));
    if (header !== undefined) objects.push({ ...header, statements: [] });
    at = start + statement.length;
    if (SETTINGS.test(statement) || SEARCH_PATH.test(statement)) continue;
    const current = objects.at(-1);
    if (current === undefined) objects.push({ type: 'SETTING', schema: undefined, name: statement.slice(0, 60), statements: [statement] });
    else current.statements.push(statement);
  }
  const usesOtherMethods = objects.some(({ statements }) => statements.some((each) => isMethod(each) && each !== DEFAULT_METHOD));
  const kept = usesOtherMethods
    ? objects
    : objects.map((each) => ({ ...each, statements: each.statements.filter((statement) => statement !== DEFAULT_METHOD) }));
  return merge(kept).filter(({ statements }) => statements.length > 0);
}

function isMethod(statement: string): boolean {
  return statement.startsWith('SET default_table_access_method = ');
}

function lastHeader(gap: string): Omit<DumpedObject, 'statements'> | undefined {
  const match = [...gap.matchAll(HEADER)].at(-1);
  if (match === undefined) return undefined;
  const [, name = '', type = '', schema = '-'] = match;
  return { type, schema: schema === '-' ? undefined : schema, name };
}

/** An object is what its name says, also where its statements stand apart. */
function merge(objects: readonly DumpedObject[]): readonly DumpedObject[] {
  const merged = new Map<string, DumpedObject>();
  for (const each of objects) {
    const key = keyOf(each);
    const before = merged.get(key);
    merged.set(key, before === undefined ? each : { ...before, statements: [...before.statements, ...each.statements] });
  }
  return [...merged.values()];
}

/** Equal for the same object in two dumps. */
export function keyOf({ type, schema, name }: Pick<DumpedObject, 'type' | 'schema' | 'name'>): string {
  return JSON.stringify([type, schema ?? null, name]);
}

/** Without dbadmin's own history, which is made before any migration. */
export function withoutHistory(objects: readonly DumpedObject[], historySchema: string): readonly DumpedObject[] {
  const own = /\b(migration_history|refuse_history_change)/;
  return objects.filter(({ type, schema, name }) => {
    if (type === 'SCHEMA' && name === historySchema) return false;
    if (schema === undefined && type === 'COMMENT' && name === `SCHEMA ${historySchema}`) return false;
    return schema !== historySchema || (historySchema === 'public' && !own.test(name));
  });
}

/**
 * The canonical text of a schema: each object below its name, in pg_dump's order, with nothing in it that differs between two
 * runs or two programs: no versions of programs, no settings of their sessions, no random key of `\restrict`. psql runs it.
 */
export function canonicalText(objects: readonly DumpedObject[], major: number): string {
  const head = `-- The schema that the migrations and routines make on PostgreSQL ${major}. Written by dbadmin; what is changed here is overwritten.

SET client_min_messages = warning;
SET check_function_bodies = false;
SELECT pg_catalog.set_config('search_path', '', false);
`;
  const body = objects.map(({ name, type, schema, statements }) => {
    const lines = statements.map((statement) => `${statement};\n`).join('\n');
    return `\n-- Name: ${name}; Type: ${type}; Schema: ${schema ?? '-'}\n\n${lines}`;
  });
  return head + body.join('');
}

/** The major that a canonical text is of, or undefined when it does not say. */
export function majorOf(text: string): number | undefined {
  const number = /^-- The schema .* on PostgreSQL (\d+)\./.exec(text)?.[1];
  return number === undefined ? undefined : Number(number);
}
