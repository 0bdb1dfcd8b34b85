import type { AccessRule, DeclaredDatabase, DeclaredSchema, Profile, ProfilePart, Unsupported } from './document.ts';
import { isSystemSchema, nameProblem, readObject, readQualifiedName, readRoleName } from './names.ts';
import { parsePrivileges } from './parse-profiles.ts';
import { parseSettings, readNames, readRoleNames } from './parse-roles.ts';
import { parseColumns, parseRowSecurity } from './parse-unapplied.ts';
import type { Reader } from './reader.ts';
import type { Untrusted } from './untrusted.ts';

/** `databases:`. What it asks for that is not applied goes to `unsupported`. */
export function parseDatabases(
  reader: Reader,
  value: Untrusted | undefined,
  profiles: ReadonlyMap<string, Profile>,
  unsupported: Unsupported[],
): ReadonlyMap<string, DeclaredDatabase> {
  const databases = new Map<string, DeclaredDatabase>();
  for (const entry of reader.entries(value, 'databases')) {
    const wrong = nameProblem(entry.key);
    if (wrong !== undefined) reader.problem(entry.keyAt, wrong);
    const what = `database ${entry.key}`;
    const fields = reader.fields(entry.value, what, ['connect', 'settings', 'schemas', 'access', 'columns', 'row_security']);
    const schemas = parseSchemas(reader, fields.get('schemas'), what);
    const access = reader
      .list(fields.get('access'), `access of ${what}`)
      .flatMap((item) => parseAccess(reader, item, entry.key, schemas, profiles, unsupported) ?? []);
    parseColumns(reader, fields.get('columns'), unsupported);
    parseRowSecurity(reader, fields.get('row_security'), unsupported);
    const settings = fields.get('settings');
    databases.set(entry.key, {
      name: entry.key,
      at: entry.keyAt,
      connect: readRoleNames(reader, fields.get('connect'), `connect of ${what}`),
      settings: settings === undefined ? undefined : parseSettings(reader, settings, `settings of ${what}`),
      schemas,
      access,
    });
  }
  return databases;
}

function parseSchemas(reader: Reader, value: Untrusted | undefined, database: string): ReadonlyMap<string, DeclaredSchema> {
  const schemas = new Map<string, DeclaredSchema>();
  for (const entry of reader.entries(value, `schemas of ${database}`)) {
    const what = `schema ${entry.key}`;
    const wrong = isSystemSchema(entry.key) ? `schema "${entry.key}" is the server's own` : nameProblem(entry.key);
    if (wrong !== undefined) reader.problem(entry.keyAt, wrong);
    const fields = reader.fields(entry.value, what, ['owner', 'creators']);
    const named = fields.get('owner');
    const owner = named === undefined ? undefined : readRoleName(reader, named, `owner of ${what}`);
    const creators = fields.get('creators');
    schemas.set(entry.key, {
      name: entry.key,
      at: entry.keyAt,
      owner,
      creators: creators === undefined ? (owner === undefined ? [] : [owner]) : readRoleNames(reader, creators, `creators of ${what}`),
    });
  }
  return schemas;
}

function parseAccess(
  reader: Reader,
  item: Untrusted,
  database: string,
  schemas: ReadonlyMap<string, DeclaredSchema>,
  profiles: ReadonlyMap<string, Profile>,
  unsupported: Unsupported[],
): AccessRule | undefined {
  const what = `access of database ${database}`;
  const fields = reader.fields(item, what, ['profile', 'grant', 'on', 'to', 'except', 'with_grant_option']);
  const to = readRoleNames(reader, fields.get('to'), `to in ${what}`);
  if (to.length === 0) reader.problem(fields.get('to')?.at ?? item.at, `${what}: to is missing`);
  const grantable = reader.flag(fields.get('with_grant_option'), 'with_grant_option') ?? false;
  const except = reader.oneOrMore(fields.get('except')).flatMap((each) => readQualifiedName(reader, each, 'except') ?? []);
  const on = fields.get('on');
  if (on === undefined) return reader.problem(item.at, `${what}: on is missing`);
  const profile = fields.get('profile');
  if ((profile === undefined) === (fields.get('grant') === undefined)) {
    return reader.problem(item.at, `${what}: write either profile or grant`);
  }
  const base = { at: item.at, to, grantable };
  if (profile !== undefined) {
    const name = reader.text(profile, 'profile') ?? '';
    const found = profiles.get(name);
    if (found === undefined) return reader.problem(profile.at, `there is no profile "${name}"`);
    const names = readNames(reader, on, `on in ${what}`);
    for (const schema of names) checkSchema(reader, on, schema, found.parts, schemas);
    return { ...base, kind: 'profile', parts: found.parts, schemas: names, except };
  }
  const read = readObject(reader, on, `on in ${what}`);
  if (read === undefined) return undefined;
  if (read.kind === 'unsupported') return void unsupported.push({ what: `grant on ${read.what}`, at: on.at });
  if (read.kind === 'extension') return reader.problem(on.at, 'privileges are not granted on an extension; name its objects');
  const kind = read.kind === 'all' ? read.of : read.object.kind;
  const privileges = parsePrivileges(reader, fields.get('grant'), kind, `grant in ${what}`);
  if (privileges === undefined) return undefined;
  if (read.kind === 'all') {
    const parts: readonly ProfilePart[] = [{ kind: read.of, privileges, servers: undefined, at: item.at }];
    checkSchema(reader, on, read.schema, parts, schemas);
    return { ...base, kind: 'profile', parts, schemas: [read.schema], except };
  }
  if (except.length > 0) reader.problem(fields.get('except')?.at ?? item.at, 'except goes with a profile or a whole schema');
  if (read.object.kind === 'database' && read.object.name !== database) {
    return reader.problem(on.at, `"${read.object.name}" is another database; write this under its own name`);
  }
  const schema = 'schema' in read.object ? read.object.schema : read.object.kind === 'schema' ? read.object.name : undefined;
  if (schema !== undefined) checkSchema(reader, on, schema, [], schemas);
  return { ...base, kind: 'named', on: read.object, privileges };
}

/** An access rule reaches only declared schemas, because default privileges need to know who creates there. */
function checkSchema(
  reader: Reader,
  on: Untrusted,
  name: string,
  parts: readonly ProfilePart[],
  schemas: ReadonlyMap<string, DeclaredSchema>,
): void {
  const schema = schemas.get(name);
  if (schema === undefined) reader.problem(on.at, `schema "${name}" is not declared under schemas`);
  else if (schema.creators.length === 0 && parts.some((part) => part.kind !== 'schema')) {
    reader.problem(schema.at, `schema "${name}" needs owner or creators: access on line ${on.at.line} covers objects made later`);
  }
}
