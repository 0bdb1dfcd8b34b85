import { DbadminError } from '../../base/errors.ts';
import { MODES, type DeclaredDatabase, type DeclaredRole, type PublicRules, type RolesDocument, type Scope } from './document.ts';
import { matchesAny } from './globs.ts';
import { parseAccepted } from './parse-accepted.ts';
import type { Retirement } from './lifecycle.ts';
import { readObject } from './names.ts';
import { parseDatabases } from './parse-databases.ts';
import { parseParameters } from './parse-parameters.ts';
import { parsePrivileges, parseProfiles } from './parse-profiles.ts';
import { parseRoles, readNames } from './parse-roles.ts';
import { parseRetire } from './parse-retire.ts';
import { parseNever } from './parse-never.ts';
import { Reader, type Fields } from './reader.ts';
import { checkReferences } from './references.ts';
import { readYaml, type Problem, type Untrusted } from './untrusted.ts';

const TOP_KEYS = [
  'version',
  'cluster',
  'scope',
  'mode',
  'public',
  'profiles',
  'groups',
  'services',
  'humans',
  'databases',
  'parameters',
  'retire',
  'never',
  'audit',
] as const;
const PRESETS = ['locked', 'as-is', 'declared'] as const;
const OLDEST_SERVER = 14;
const ALWAYS_IGNORED = ['pg_*'];

/**
 * The meaning of a roles.yaml text. `file` is its name for messages.
 *
 * @throws {DbadminError} `roles-invalid` with every problem as `file:line:column: message`, in the order of the file.
 */
export function parseRolesDocument(text: string, file: string): RolesDocument {
  const { root, problems: yamlProblems } = readYaml(text);
  const reader = new Reader();
  reader.problems.push(...yamlProblems);
  const document = yamlProblems.some((problem) => problem.message.startsWith('not YAML')) ? undefined : parseRoot(reader, root, file);
  if (document === undefined || reader.problems.length > 0) throw invalid(file, reader.problems);
  return document;
}

function invalid(file: string, problems: readonly Problem[]): DbadminError {
  const sorted = [...problems].sort((left, right) => left.at.line - right.at.line || left.at.column - right.at.column);
  const lines = sorted.map(({ at, message }) => `${file}:${at.line}:${at.column}: ${message}`);
  return new DbadminError('roles-invalid', `${file} has ${lines.length} problem${lines.length === 1 ? '' : 's'}`, {
    detail: [...new Set(lines)].join('\n'),
    hint: 'Nothing was read from or sent to the server. Correct the file and try again.',
  });
}

function parseRoot(reader: Reader, root: Untrusted, file: string): RolesDocument {
  const fields = reader.fields(root, 'the file', TOP_KEYS);
  const version = reader.integer(fields.get('version'), 'version');
  if (fields.get('version') === undefined) reader.problem(root.at, 'version is missing: write version: 1');
  else if (version !== undefined && version !== 1)
    reader.problem(fields.get('version')?.at ?? root.at, `version is ${version}; this dbadmin reads 1`);
  const profiles = parseProfiles(reader, fields.get('profiles'));
  const roles = new Map<string, DeclaredRole>();
  for (const section of ['groups', 'services', 'humans'] as const) parseRoles(reader, section, fields.get(section), roles);
  const databases = parseDatabases(reader, fields.get('databases'), profiles);
  const retire = parseRetire(reader, fields.get('retire'));
  const mode = reader.oneOf(fields.get('mode'), 'mode', MODES) ?? 'manage';
  const document: RolesDocument = {
    file,
    ...parseCluster(reader, fields.get('cluster')),
    scope: parseScope(reader, fields, roles, databases, retire),
    mode,
    modeAt: fields.get('mode')?.at ?? root.at,
    retire,
    public: parsePublic(reader, fields.get('public')),
    profiles,
    roles,
    databases,
    parameters: parseParameters(reader, fields.get('parameters')),
    never: parseNever(reader, fields.get('never')),
    accepted: parseAccepted(reader, fields.get('audit')),
  };
  checkReferences(reader, document);
  return document;
}

function parseCluster(reader: Reader, value: Untrusted | undefined): { readonly maintenanceDatabase: string; readonly minServer: number } {
  const fields = reader.fields(value, 'cluster', ['maintenance_db', 'min_server']);
  const [maintenanceDatabase] = readNames(reader, fields.get('maintenance_db'), 'maintenance_db');
  return {
    maintenanceDatabase: maintenanceDatabase ?? 'postgres',
    minServer: reader.integer(fields.get('min_server'), 'min_server') ?? OLDEST_SERVER,
  };
}

/** Without `scope`, it is what the file declares: nothing is touched that the file does not name. */
function parseScope(
  reader: Reader,
  top: Fields<(typeof TOP_KEYS)[number]>,
  roles: ReadonlyMap<string, DeclaredRole>,
  databases: ReadonlyMap<string, DeclaredDatabase>,
  retire: readonly Retirement[],
): Scope {
  const fields = reader.fields(top.get('scope'), 'scope', ['roles', 'databases', 'schemas', 'ignore_roles']);
  const globs = fields.get('roles') === undefined ? [] : readGlobs(reader, fields.get('roles'), 'roles of scope');
  const ignoreRoles = [...ALWAYS_IGNORED, ...readGlobs(reader, fields.get('ignore_roles'), 'ignore_roles of scope')];
  for (const role of roles.values()) {
    if (globs.length > 0 && !matchesAny(role.name, globs)) reader.problem(role.at, `role "${role.name}" is outside scope.roles`);
    else if (matchesAny(role.name, ignoreRoles)) reader.problem(role.at, `role "${role.name}" is in scope.ignore_roles`);
  }
  for (const { role, at } of retire) {
    if (globs.length > 0 && !matchesAny(role, globs)) reader.problem(at, `retire: role "${role}" is outside scope.roles`);
    else if (matchesAny(role, ignoreRoles)) reader.problem(at, `retire: role "${role}" is in scope.ignore_roles`);
  }
  const named =
    fields.get('databases') === undefined ? [...databases.keys()] : readNames(reader, fields.get('databases'), 'databases of scope');
  for (const database of databases.values()) {
    if (!named.includes(database.name)) reader.problem(database.at, `database "${database.name}" is outside scope.databases`);
  }
  const schemas = new Map<string, readonly string[]>();
  for (const name of named)
    schemas.set(
      name,
      [...(databases.get(name)?.schemas.keys() ?? [])].map((schema) => schema.replaceAll(/[*?\\]/g, '\\$&')),
    );
  for (const entry of reader.entries(fields.get('schemas'), 'schemas of scope')) {
    if (!named.includes(entry.key)) reader.problem(entry.keyAt, `database "${entry.key}" is outside scope.databases`);
    const listed = readGlobs(reader, entry.value, 'schemas of scope');
    schemas.set(entry.key, listed);
    for (const schema of databases.get(entry.key)?.schemas.values() ?? []) {
      if (!matchesAny(schema.name, listed)) reader.problem(schema.at, `schema "${schema.name}" is outside scope.schemas`);
    }
  }
  const all =
    globs.length > 0 ? globs : [...roles.keys(), ...retire.map(({ role }) => role)].map((role) => role.replaceAll(/[*?\\]/g, '\\$&'));
  return { roles: all, databases: named, schemas, ignoreRoles };
}

/** Globs may be longer than the names they match. */
function readGlobs(reader: Reader, value: Untrusted | undefined, what: string): readonly string[] {
  return reader.oneOrMore(value).flatMap((item) => {
    const text = reader.text(item, what);
    return text === '' ? (reader.problem(item.at, `${what}: a glob may not be empty`) ?? []) : (text ?? []);
  });
}

function parsePublic(reader: Reader, value: Untrusted | undefined): PublicRules {
  if (value?.kind === 'text') return { preset: reader.oneOf(value, 'public', PRESETS) ?? 'as-is', keep: [] };
  const fields = reader.fields(value, 'public', ['preset', 'keep']);
  const keep = reader.list(fields.get('keep'), 'keep of public').flatMap((item) => {
    const each = reader.fields(item, 'keep of public', ['on', 'privileges']);
    const on = each.get('on');
    if (on === undefined) return reader.problem(item.at, 'keep of public: on is missing') ?? [];
    const read = readObject(reader, on, 'on in keep of public');
    if (read === undefined) return [];
    if (read.kind === 'all' || read.kind === 'new') return reader.problem(on.at, 'keep of public: name one object or an extension') ?? [];
    const kind = read.kind === 'extension' ? 'routine' : read.object.kind;
    const privileges = parsePrivileges(reader, each.get('privileges'), kind, 'privileges in keep of public');
    if (privileges === undefined) return [];
    if (privileges === 'all') return reader.problem(item.at, 'keep of public: name the privileges') ?? [];
    return { on: read.kind === 'extension' ? { kind: 'extension' as const, name: read.name } : read.object, privileges, at: item.at };
  });
  return { preset: reader.oneOf(fields.get('preset'), 'preset of public', PRESETS) ?? 'as-is', keep };
}
