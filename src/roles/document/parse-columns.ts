import type { ColumnRule, DeclaredSchema } from './document.ts';
import { readObject } from './names.ts';
import { parsePrivileges } from './parse-profiles.ts';
import { readNames, readRoleNames } from './parse-roles.ts';
import type { Reader } from './reader.ts';
import type { Untrusted } from './untrusted.ts';

/** `columns:` of a database. */
export function parseColumns(
  reader: Reader,
  value: Untrusted | undefined,
  schemas: ReadonlyMap<string, DeclaredSchema>,
): readonly ColumnRule[] {
  return reader.list(value, 'columns').flatMap((item) => parseColumnRule(reader, item, schemas) ?? []);
}

function parseColumnRule(reader: Reader, item: Untrusted, schemas: ReadonlyMap<string, DeclaredSchema>): ColumnRule | undefined {
  const fields = reader.fields(item, 'columns', ['on', 'to', 'allow', 'deny', 'privileges', 'with_grant_option']);
  const to = readRoleNames(reader, fields.get('to'), 'to in columns');
  if (to.length === 0) reader.problem(fields.get('to')?.at ?? item.at, 'columns: to is missing');
  const listed = fields.get('privileges');
  const privileges = listed === undefined ? (['SELECT'] as const) : parsePrivileges(reader, listed, 'column', 'privileges in columns');
  const allow = fields.get('allow');
  const deny = fields.get('deny');
  if ((allow === undefined) === (deny === undefined)) reader.problem(item.at, 'columns: write either allow or deny');
  const columns = readNames(reader, allow ?? deny, 'column');
  if (columns.length === 0 && (allow ?? deny) !== undefined) reader.problem((allow ?? deny)?.at ?? item.at, 'columns: name at least one');
  const grantable = reader.flag(fields.get('with_grant_option'), 'with_grant_option') ?? false;
  const on = fields.get('on');
  if (on === undefined) return reader.problem(item.at, 'columns: on is missing');
  const read = readObject(reader, on, 'on in columns');
  if (read === undefined) return undefined;
  if (read.kind !== 'object' || read.object.kind !== 'table') {
    return reader.problem(on.at, 'columns: on must be one table, view, materialized view or foreign table');
  }
  if (!schemas.has(read.object.schema)) reader.problem(on.at, `schema "${read.object.schema}" is not declared under schemas`);
  if (privileges === undefined) return undefined;
  return { at: item.at, on: read.object, to, privileges, rule: allow === undefined ? 'deny' : 'allow', columns, grantable };
}
