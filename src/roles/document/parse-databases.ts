import { OBJECT_KINDS, type ObjectKind } from '../privileges.ts';
import type { DeclaredDatabase, DeclaredSchema, Position, Profile } from './document.ts';
import { isSystemSchema, nameProblem, readRoleName } from './names.ts';
import { parseAccess } from './parse-access.ts';
import { parseColumns } from './parse-columns.ts';
import { parseGrants } from './parse-grants.ts';
import { parseOwners } from './parse-owners.ts';
import { parseSettings, readRoleNames } from './parse-roles.ts';
import { parseRowSecurity } from './parse-row-security.ts';
import type { Reader } from './reader.ts';
import type { Untrusted } from './untrusted.ts';

const KEYS = ['owner', 'owners', 'connect', 'settings', 'schemas', 'access', 'grants', 'columns', 'row_security'] as const;

/** `databases:`. */
export function parseDatabases(
  reader: Reader,
  value: Untrusted | undefined,
  profiles: ReadonlyMap<string, Profile>,
): ReadonlyMap<string, DeclaredDatabase> {
  const databases = new Map<string, DeclaredDatabase>();
  for (const entry of reader.entries(value, 'databases')) {
    const wrong = nameProblem(entry.key);
    if (wrong !== undefined) reader.problem(entry.keyAt, wrong);
    const what = `database ${entry.key}`;
    const fields = reader.fields(entry.value, what, KEYS);
    const closed = new Set<string>();
    const schemas = parseSchemas(reader, fields.get('schemas'), what, closed);
    const context = { database: entry.key, schemas, profiles, closed };
    const access = reader.list(fields.get('access'), `access of ${what}`).flatMap((item) => parseAccess(reader, item, context) ?? []);
    const grants = parseGrants(reader, fields.get('grants'), context);
    const settings = fields.get('settings');
    const settingsAt = new Map<string, Position>();
    const owner = fields.get('owner');
    databases.set(entry.key, {
      name: entry.key,
      at: entry.keyAt,
      owner: owner === undefined ? undefined : readRoleName(reader, owner, `owner of ${what}`),
      connect: readRoleNames(reader, fields.get('connect'), `connect of ${what}`),
      settings: settings === undefined ? undefined : parseSettings(reader, settings, `settings of ${what}`, settingsAt),
      settingsAt,
      schemas,
      access: [...access, ...grants.access],
      columns: [...parseColumns(reader, fields.get('columns'), schemas), ...grants.columns],
      owners: parseOwners(reader, fields.get('owners'), context),
      rowSecurity: parseRowSecurity(reader, fields.get('row_security'), schemas),
    });
  }
  return databases;
}

function parseSchemas(
  reader: Reader,
  value: Untrusted | undefined,
  database: string,
  closed: Set<string>,
): ReadonlyMap<string, DeclaredSchema> {
  const schemas = new Map<string, DeclaredSchema>();
  for (const entry of reader.entries(value, `schemas of ${database}`)) {
    const what = `schema ${entry.key}`;
    const wrong = isSystemSchema(entry.key) ? `schema "${entry.key}" is the server's own` : nameProblem(entry.key);
    if (wrong !== undefined) reader.problem(entry.keyAt, wrong);
    const fields = reader.fields(entry.value, what, ['owner', 'owns', 'creators']);
    const named = fields.get('owner');
    const owner = named === undefined ? undefined : readRoleName(reader, named, `owner of ${what}`);
    const owns = parseOwns(reader, fields.get('owns'), `owns of ${what}`);
    if (fields.get('owns') !== undefined && named === undefined)
      reader.problem(fields.get('owns')?.at ?? entry.keyAt, `owns of ${what}: whose? say owner`);
    const listed = fields.get('creators');
    if (listed?.kind === 'list' && listed.items.length === 0) closed.add(entry.key);
    const creators = listed === undefined ? (owner === undefined ? [] : [owner]) : readRoleNames(reader, listed, `creators of ${what}`);
    schemas.set(entry.key, { name: entry.key, at: entry.keyAt, owner, creators, owns });
  }
  return schemas;
}

const OWNED: Readonly<Record<string, ObjectKind>> = { tables: 'table', sequences: 'sequence', routines: 'routine', types: 'type' };

/** `owns: all`, or a list of kinds. */
function parseOwns(reader: Reader, value: Untrusted | undefined, what: string): readonly ObjectKind[] {
  const kinds = reader.oneOrMore(value).flatMap((item): readonly ObjectKind[] => {
    const word = reader.oneOf(item, what, ['all', ...Object.keys(OWNED)]);
    if (word === undefined) return [];
    const kind = OWNED[word];
    return kind === undefined ? OBJECT_KINDS : [kind];
  });
  return [...new Set(kinds)];
}
