import {
  ROLE_ATTRIBUTES,
  settingPlace,
  type DeclaredMembership,
  type DeclaredRole,
  type PasswordRule,
  type Position,
  type RoleAttribute,
  type SettingValue,
} from './document.ts';
import { ALWAYS_OVER } from '../valid-until.ts';
import { readName, readRoleName, nameProblem } from './names.ts';
import type { Reader } from './reader.ts';
import type { Untrusted } from './untrusted.ts';

const SECTIONS = { groups: 'group', services: 'service', humans: 'human' } as const;

const ROLE_KEYS = [
  'comment',
  'member_of',
  'attributes',
  'connection_limit',
  'valid_until',
  'password',
  'auth',
  'settings',
  'settings_in',
] as const;

export const AUTH_METHODS = ['scram', 'cert', 'ldap', 'gss', 'sspi', 'peer', 'ident', 'pam', 'radius', 'bsd', 'oauth'] as const;

/** One of `groups:`, `services:` and `humans:`; each role goes to `roles`. */
export function parseRoles(
  reader: Reader,
  section: keyof typeof SECTIONS,
  value: Untrusted | undefined,
  roles: Map<string, DeclaredRole>,
): void {
  for (const entry of reader.entries(value, section)) {
    const wrong = roleNameProblem(entry.key);
    if (wrong !== undefined) reader.problem(entry.keyAt, wrong);
    const before = roles.get(entry.key);
    if (before !== undefined) reader.problem(entry.keyAt, `role "${entry.key}" is declared on line ${before.at.line} already`);
    else roles.set(entry.key, { ...parseRole(reader, entry.key, SECTIONS[section], entry.value), at: entry.keyAt });
  }
}

function roleNameProblem(name: string): string | undefined {
  if (name === 'public' || name === 'none') return `"${name}" cannot be the name of a role`;
  if (name.startsWith('pg_')) return `"${name}" cannot be declared: names that begin with pg_ are the server's`;
  return nameProblem(name);
}

function parseRole(reader: Reader, name: string, kind: DeclaredRole['kind'], value: Untrusted): DeclaredRole {
  const what = `role ${name}`;
  const fields = reader.fields(value, what, ROLE_KEYS);
  const limit = reader.integer(fields.get('connection_limit'), `connection_limit of ${what}`);
  if (limit !== undefined && limit < -1) reader.problem(fields.get('connection_limit')?.at ?? fields.at, 'connection_limit is -1 or more');
  const settingsAt = new Map<string, Position>();
  const settingsIn = new Map<string, ReadonlyMap<string, SettingValue>>();
  for (const entry of reader.entries(fields.get('settings_in'), `settings_in of ${what}`)) {
    settingsIn.set(entry.key, parseSettings(reader, entry.value, `settings_in of ${what}`, settingsAt, entry.key));
  }
  return {
    name,
    kind,
    at: value.at,
    attributes: parseAttributes(reader, fields.get('attributes'), what),
    connectionLimit: limit ?? -1,
    validUntil: parseValidUntil(reader, fields.get('valid_until'), `valid_until of ${what}`),
    comment: reader.text(fields.get('comment'), `comment of ${what}`),
    memberOf: parseMemberships(reader, fields.get('member_of'), name),
    password: parsePassword(reader, fields.get('password'), fields.get('auth'), kind, what),
    settings: parseSettings(reader, fields.get('settings'), `settings of ${what}`, settingsAt),
    settingsIn,
    settingsAt,
  };
}

/** As the server has it: an instant, `infinity` for no end, `-infinity` for a password that no longer opens anything. */
function parseValidUntil(reader: Reader, value: Untrusted | undefined, what: string): string | undefined {
  if (value?.kind === 'text' && value.value === 'infinity') return undefined;
  if (value?.kind === 'text' && value.value === ALWAYS_OVER) return ALWAYS_OVER;
  return reader.instant(value, what);
}

function parseAttributes(reader: Reader, value: Untrusted | undefined, what: string): Record<RoleAttribute, boolean> {
  const found: Record<RoleAttribute, boolean> = {
    superuser: false,
    createdb: false,
    createrole: false,
    replication: false,
    bypassrls: false,
    inherit: true,
  };
  const words = [...ROLE_ATTRIBUTES, ...ROLE_ATTRIBUTES.map((each) => `no${each}`)];
  for (const item of reader.list(value, `attributes of ${what}`)) {
    const word = reader.oneOf(item, `attribute of ${what}`, words);
    const attribute = ROLE_ATTRIBUTES.find((each) => word === each || word === `no${each}`);
    if (attribute !== undefined) found[attribute] = word === attribute;
  }
  return found;
}

function parseMemberships(reader: Reader, value: Untrusted | undefined, member: string): readonly DeclaredMembership[] {
  const what = `member_of of role ${member}`;
  const found: DeclaredMembership[] = [];
  for (const item of reader.oneOrMore(value)) {
    const edge = parseMembership(reader, item, what);
    if (edge === undefined) continue;
    if (edge.role === member) reader.problem(item.at, `role ${member} cannot be a member of itself`);
    else if (found.some((other) => other.role === edge.role && other.grantedBy === edge.grantedBy))
      reader.problem(item.at, `${what} names "${edge.role}" twice`);
    else found.push(edge);
  }
  return found;
}

function parseMembership(reader: Reader, item: Untrusted, what: string): DeclaredMembership | undefined {
  if (item.kind !== 'map') {
    const role = readRoleName(reader, item, what);
    return role === undefined ? undefined : { role, at: item.at, admin: false, inherit: undefined, set: true, until: undefined };
  }
  const fields = reader.fields(item, what, ['role', 'admin', 'inherit', 'set', 'until', 'granted_by']);
  const named = fields.get('role');
  if (named === undefined) return reader.problem(item.at, `${what}: role is missing`);
  const role = readRoleName(reader, named, what);
  if (role === undefined) return undefined;
  const grantor = fields.get('granted_by');
  const grantedBy = grantor === undefined ? undefined : readRoleName(reader, grantor, `granted_by in ${what}`);
  return {
    role,
    at: item.at,
    ...(grantedBy === undefined ? {} : { grantedBy }),
    admin: reader.flag(fields.get('admin'), 'admin') ?? false,
    inherit: reader.flag(fields.get('inherit'), 'inherit'),
    set: reader.flag(fields.get('set'), 'set') ?? true,
    until: reader.instant(fields.get('until'), 'until'),
  };
}

function parsePassword(
  reader: Reader,
  value: Untrusted | undefined,
  auth: Untrusted | undefined,
  kind: DeclaredRole['kind'],
  what: string,
): PasswordRule {
  const method = reader.oneOf(auth, `auth of ${what}`, AUTH_METHODS);
  if (value === undefined) return method === undefined || method === 'scram' ? { kind: 'unmanaged' } : { kind: 'none' };
  if (kind === 'group') reader.problem(value.at, `${what} is a group: it does not log in and has no password`);
  if (method !== undefined && method !== 'scram') reader.problem(value.at, `${what} logs in by ${method}: it has no password`);
  const unmanaged: PasswordRule = { kind: 'unmanaged' };
  if (value.kind === 'text') {
    // The text may be the password itself: it is not repeated.
    reader.problem(value.at, `password of ${what} may not stand in the file; write { from: env, name: … } or another source`);
    return unmanaged;
  }
  const fields = reader.fields(value, `password of ${what}`, ['from', 'name', 'path', 'command']);
  const from = reader.oneOf(fields.get('from'), `password of ${what}`, ['env', 'file', 'command', 'generate', 'keep']);
  const takes = { env: 'name', file: 'path', generate: 'path', command: 'command', keep: undefined } as const;
  if (from === undefined) {
    if (fields.get('from') === undefined) reader.problem(fields.at, `password of ${what}: from is missing`);
    return unmanaged;
  }
  for (const key of ['name', 'path', 'command'] as const) {
    const at = fields.keyAt(key);
    if (at !== undefined && takes[from] !== key) reader.problem(at, `password of ${what}: ${key} does not go with from: ${from}`);
  }
  if (from === 'keep') return unmanaged;
  if (from === 'command') return parseCommand(reader, fields.get('command'), fields.at, what);
  const text = reader.required(fields.get(takes[from]), `password of ${what}: ${takes[from]}`, fields.at) ?? '';
  return from === 'env' ? { kind: 'env', name: text } : { kind: from, path: text };
}

function parseCommand(reader: Reader, value: Untrusted | undefined, at: Untrusted['at'], what: string): PasswordRule {
  const argv = reader.list(value, `password of ${what}: command`).map((word) => reader.text(word, 'command') ?? '');
  if (argv.length === 0) reader.problem(value?.at ?? at, `password of ${what}: command is a list, the program and its arguments`);
  return { kind: 'command', argv };
}

/** `name: value` as SET takes them; where each stands goes to `places`, see `settingPlace`. */
export function parseSettings(
  reader: Reader,
  value: Untrusted | undefined,
  what: string,
  places: Map<string, Position>,
  database?: string,
): ReadonlyMap<string, SettingValue> {
  const settings = new Map<string, SettingValue>();
  for (const entry of reader.entries(value, what)) {
    const name = entry.key.toLowerCase();
    if (!/^[a-z_][a-z0-9_$]*(\.[a-z_][a-z0-9_$]*)*$/.test(name))
      reader.problem(entry.keyAt, `${what}: "${entry.key}" is not the name of a setting`);
    else if (settings.has(name)) reader.problem(entry.keyAt, `${what}: ${name} stands twice`);
    else {
      const read = parseSetting(reader, entry.value, `${what}: ${name}`);
      if (read !== undefined) settings.set(name, read);
      places.set(settingPlace(name, database), entry.keyAt);
    }
  }
  return settings;
}

function parseSetting(reader: Reader, value: Untrusted, what: string): SettingValue | undefined {
  if (value.kind === 'boolean') return value.value ? 'on' : 'off';
  if (value.kind === 'list') return value.items.map((item) => reader.text(item, what) ?? '');
  const text = reader.text(value, what);
  return text?.includes('\0') === true ? reader.problem(value.at, `${what} may not hold a NUL character`) : text;
}

/** Role names in a list or alone, each checked. */
export function readRoleNames(reader: Reader, value: Untrusted | undefined, what: string): readonly string[] {
  return reader.oneOrMore(value).flatMap((item) => readRoleName(reader, item, what) ?? []);
}

/** Plain names in a list or alone, each checked. */
export function readNames(reader: Reader, value: Untrusted | undefined, what: string): readonly string[] {
  return reader.oneOrMore(value).flatMap((item) => readName(reader, item, what) ?? []);
}
