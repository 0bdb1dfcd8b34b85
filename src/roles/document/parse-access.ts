import type { ObjectKind } from '../privileges.ts';
import type { AccessRule, DeclaredSchema, Profile, ProfilePart } from './document.ts';
import { readObject, readQualifiedName } from './names.ts';
import { parsePrivileges } from './parse-profiles.ts';
import { readNames, readRoleNames } from './parse-roles.ts';
import type { Fields, Reader } from './reader.ts';
import type { Untrusted } from './untrusted.ts';

/** What a line of access is read against. */
export interface AccessContext {
  readonly database: string;
  readonly schemas: ReadonlyMap<string, DeclaredSchema>;
  readonly profiles: ReadonlyMap<string, Profile>;
  /** Schemas whose creators are an empty list on purpose: nothing is said of objects made later. */
  readonly closed: ReadonlySet<string>;
}

const KEYS = ['profile', 'grant', 'on', 'to', 'except', 'with_grant_option'] as const;

type Line = Pick<AccessRule, 'at' | 'to' | 'grantable'>;

/** One line of `access:`. */
export function parseAccess(reader: Reader, item: Untrusted, context: AccessContext): AccessRule | undefined {
  const what = `access of database ${context.database}`;
  const fields = reader.fields(item, what, KEYS);
  const to = readRoleNames(reader, fields.get('to'), `to in ${what}`);
  if (to.length === 0) reader.problem(fields.get('to')?.at ?? item.at, `${what}: to is missing`);
  const grantable = reader.flag(fields.get('with_grant_option'), 'with_grant_option') ?? false;
  const on = fields.get('on');
  if (on === undefined) return reader.problem(item.at, `${what}: on is missing`);
  if ((fields.get('profile') === undefined) === (fields.get('grant') === undefined)) {
    return reader.problem(item.at, `${what}: write either profile or grant`);
  }
  const line = { at: item.at, to, grantable };
  return fields.get('profile') === undefined
    ? parseGrant(reader, fields, on, line, context)
    : parseProfileLine(reader, fields, on, line, context);
}

type AccessFields = Fields<(typeof KEYS)[number]>;

function parseProfileLine(reader: Reader, fields: AccessFields, on: Untrusted, line: Line, context: AccessContext): AccessRule | undefined {
  const profile = fields.get('profile');
  const name = reader.text(profile, 'profile') ?? '';
  const found = context.profiles.get(name);
  if (found === undefined) return reader.problem(profile?.at ?? line.at, `there is no profile "${name}"`);
  const schemas = readNames(reader, on, `on in access of database ${context.database}`);
  for (const schema of schemas) checkSchema(reader, on, schema, found.parts, context);
  return { ...line, kind: 'profile', parts: found.parts, schemas, except: readExcept(reader, fields), by: undefined };
}

function parseGrant(reader: Reader, fields: AccessFields, on: Untrusted, line: Line, context: AccessContext): AccessRule | undefined {
  const what = `access of database ${context.database}`;
  const read = readObject(reader, on, `on in ${what}`);
  if (read === undefined) return undefined;
  if (read.kind === 'extension') return reader.problem(on.at, 'privileges are not granted on an extension; name its objects');
  if (read.kind === 'new') {
    return reader.problem(on.at, 'a line of access covers what creators make later as it is; what they make alone is named under grants');
  }
  const kind = read.kind === 'object' ? read.object.kind : read.of;
  const privileges = parsePrivileges(reader, fields.get('grant'), kind, `grant in ${what}`);
  if (read.kind !== 'all' && fields.get('except') !== undefined)
    reader.problem(fields.get('except')?.at ?? line.at, 'except goes with a profile or a whole schema');
  if (privileges === undefined) return undefined;
  if (read.kind === 'all') {
    const parts: readonly ProfilePart[] = [{ kind: read.of, only: read.only, privileges, servers: undefined, at: line.at }];
    checkSchema(reader, on, read.schema, parts, context);
    return { ...line, kind: 'profile', parts, schemas: [read.schema], except: readExcept(reader, fields), by: undefined };
  }
  const { object } = read;
  if (object.kind === 'database' && object.name !== context.database) {
    return reader.problem(on.at, `"${object.name}" is another database; write this under its own name`);
  }
  const schema = 'schema' in object ? object.schema : object.kind === 'schema' ? object.name : undefined;
  if (schema !== undefined) checkSchema(reader, on, schema, [], context);
  return { ...line, kind: 'named', on: object, privileges };
}

function readExcept(reader: Reader, fields: AccessFields): Extract<AccessRule, { kind: 'profile' }>['except'] {
  return reader.oneOrMore(fields.get('except')).flatMap((each) => readQualifiedName(reader, each, 'except') ?? []);
}

/** An access rule reaches only declared schemas, because default privileges need to know who creates there. */
function checkSchema(reader: Reader, on: Untrusted, name: string, parts: readonly ProfilePart[], context: AccessContext): void {
  const schema = context.schemas.get(name);
  if (schema === undefined) reader.problem(on.at, `schema "${name}" is not declared under schemas`);
  else if (schema.creators.length === 0 && !context.closed.has(name) && parts.some(isAboutNewObjects)) {
    reader.problem(schema.at, `schema "${name}" needs owner or creators: access on line ${on.at.line} covers objects made later`);
  }
}

/** Default privileges are for a whole kind; a part for views alone cannot be one. */
export function isAboutNewObjects(part: ProfilePart): part is ProfilePart & { readonly kind: ObjectKind } {
  return part.only === undefined && (part.kind === 'table' || part.kind === 'sequence' || part.kind === 'routine' || part.kind === 'type');
}
