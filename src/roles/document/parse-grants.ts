import type { AccessRule, BareRule, ColumnRule, DeclaredSchema, ObjectName, Profile, ProfileAccess, ProfilePart } from './document.ts';
import { readObject, readQualifiedName, readRoleName, type ReadObject } from './names.ts';
import { parsePrivileges } from './parse-profiles.ts';
import { readNames, readRoleNames } from './parse-roles.ts';
import type { Fields, Reader } from './reader.ts';
import type { Untrusted } from './untrusted.ts';

/** What the lines of one database may refer to. */
export interface GrantContext {
  readonly database: string;
  readonly schemas: ReadonlyMap<string, DeclaredSchema>;
  readonly profiles: ReadonlyMap<string, Profile>;
}

export interface Line extends BareRule {
  readonly at: Untrusted['at'];
  readonly to: readonly string[];
  readonly grantable: boolean;
}

const KEYS = ['profile', 'grant', 'on', 'columns', 'to', 'except', 'by', 'with_grant_option', 'granted_by'] as const;

/**
 * `grants:` of a database: privileges as the catalog has them. A line gives what it names and nothing that goes with it: a
 * whole schema is what is there now, and what will be made is named as `new tables in core`, with `by`.
 *
 * The words are those of `access` otherwise, but that `on` may be a list, `to` may hold `public`, `columns` leaves what the
 * whole table gives as it is, and `granted_by` names a grantor who is not the owner.
 */
export function parseGrants(
  reader: Reader,
  value: Untrusted | undefined,
  context: GrantContext,
): { readonly access: readonly AccessRule[]; readonly columns: readonly ColumnRule[] } {
  const what = `grants of database ${context.database}`;
  const columns: ColumnRule[] = [];
  const access = reader.list(value, what).flatMap((item): readonly AccessRule[] => {
    const fields = reader.fields(item, what, KEYS);
    const line = readLine(reader, item, fields, what);
    const except = reader.oneOrMore(fields.get('except')).flatMap((each) => readQualifiedName(reader, each, 'except') ?? []);
    const [profile, grant, on] = [fields.get('profile'), fields.get('grant'), fields.get('on')];
    if ((profile === undefined) === (grant === undefined)) {
      return reader.problem(item.at, `${what}: write either profile or grant`) ?? [];
    }
    if (on === undefined) return reader.problem(item.at, `${what}: on is missing`) ?? [];
    if (profile !== undefined) {
      const parts = profileParts(reader, profile, context.profiles);
      const schemas = readNames(reader, on, `on in ${what}`).filter((name) => isDeclared(reader, on, name, context));
      return [{ ...line, kind: 'profile', parts, schemas, except, by: [] }];
    }
    const named = fields.get('columns');
    return reader.oneOrMore(on).flatMap((each): readonly AccessRule[] => {
      const read = readObject(reader, each, `on in ${what}`);
      if (named !== undefined) {
        const rule = read === undefined ? undefined : columnRule(reader, each, grant, read, line, context, named);
        if (rule !== undefined) columns.push(rule);
        return [];
      }
      const by = readRoleNames(reader, fields.get('by'), `by in ${what}`);
      const rule = read === undefined ? undefined : grantRule(reader, each, grant, read, line, context, { except, by });
      return rule === undefined ? [] : [rule];
    });
  });
  return { access, columns };
}

function columnRule(
  reader: Reader,
  on: Untrusted,
  grant: Untrusted | undefined,
  read: ReadObject,
  line: Line,
  context: GrantContext,
  named: Untrusted,
): ColumnRule | undefined {
  const what = `grants of database ${context.database}`;
  if (read.kind !== 'object' || read.object.kind !== 'table') return reader.problem(on.at, `${what}: columns go with one table or view`);
  if (!isDeclared(reader, on, read.object.schema, context)) return undefined;
  const privileges = parsePrivileges(reader, grant, 'column', `grant in ${what}`);
  const columns = readNames(reader, named, 'column');
  if (columns.length === 0) reader.problem(named.at, `${what}: columns is empty`);
  return privileges === undefined ? undefined : { ...line, on: read.object, privileges, rule: 'allow', columns };
}

/** To whom, how and by whom. `public` is PUBLIC here. */
export function readLine(reader: Reader, item: Untrusted, fields: Fields<'to' | 'with_grant_option' | 'granted_by'>, what: string): Line {
  const [to, option, grantor] = [fields.get('to'), fields.get('with_grant_option'), fields.get('granted_by')];
  const names = reader.oneOrMore(to).flatMap((each) => {
    const isPublic = each.kind === 'text' && each.value === 'public';
    return isPublic ? ['public'] : (readRoleName(reader, each, `to in ${what}`) ?? []);
  });
  if (names.length === 0) reader.problem(to?.at ?? item.at, `${what}: to is missing`);
  const grantable = reader.flag(option, 'with_grant_option') ?? false;
  if (grantable && names.includes('public')) reader.problem(option?.at ?? item.at, `${what}: PUBLIC cannot have a grant option`);
  const grantedBy = grantor === undefined ? undefined : readRoleName(reader, grantor, `granted_by in ${what}`);
  return { at: item.at, to: names, grantable, bare: true, ...(grantedBy === undefined ? {} : { grantedBy }) };
}

function profileParts(reader: Reader, value: Untrusted, profiles: ReadonlyMap<string, Profile>): readonly ProfilePart[] {
  const name = reader.text(value, 'profile');
  const found = name === undefined ? undefined : profiles.get(name);
  if (found === undefined && name !== undefined) reader.problem(value.at, `there is no profile "${name}"`);
  return found?.parts ?? [];
}

function isDeclared(reader: Reader, on: Untrusted, schema: string, context: GrantContext): boolean {
  if (context.schemas.has(schema)) return true;
  reader.problem(on.at, `schema "${schema}" is not declared under schemas`);
  return false;
}

function grantRule(
  reader: Reader,
  on: Untrusted,
  grant: Untrusted | undefined,
  read: ReadObject,
  line: Line,
  context: GrantContext,
  { except, by }: { readonly except: ProfileAccess['except']; readonly by: readonly string[] },
): AccessRule | undefined {
  const what = `grants of database ${context.database}`;
  if (read.kind === 'all') {
    const privileges = parsePrivileges(reader, grant, read.of, `grant in ${what}`);
    if (privileges === undefined || !isDeclared(reader, on, read.schema, context)) return undefined;
    const part: ProfilePart = { kind: read.of, only: read.only, privileges, servers: undefined, at: line.at };
    return { ...line, kind: 'profile', parts: [part], schemas: [read.schema], except, by: [] };
  }
  if (except.length > 0) reader.problem(on.at, `${what}: except goes with a profile or a whole schema`);
  if (read.kind === 'new') {
    const privileges = parsePrivileges(reader, grant, read.of, `grant in ${what}`);
    if (by.length === 0) reader.problem(on.at, `${what}: new objects, made by whom? say by`);
    const isKnown = read.schema === undefined || isDeclared(reader, on, read.schema, context);
    return privileges === undefined || !isKnown ? undefined : { ...line, kind: 'future', of: read.of, privileges, schema: read.schema, by };
  }
  if (by.length > 0) reader.problem(on.at, `${what}: by goes with new objects`);
  if (read.kind === 'extension') return reader.problem(on.at, `${what}: privileges are not granted on an extension; name its objects`);
  const { object } = read;
  if (object.kind === 'database' && object.name !== context.database) {
    return reader.problem(on.at, `"${object.name}" is another database; write this under its own name`);
  }
  const schema = schemaOf(object);
  if (schema !== undefined && !isDeclared(reader, on, schema, context)) return undefined;
  const privileges = parsePrivileges(reader, grant, object.kind, `grant in ${what}`);
  return privileges === undefined ? undefined : { ...line, kind: 'named', on: object, privileges };
}

function schemaOf(object: ObjectName): string | undefined {
  return 'schema' in object ? object.schema : object.kind === 'schema' ? object.name : undefined;
}
