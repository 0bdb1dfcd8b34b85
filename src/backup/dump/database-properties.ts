import { quoteLiteral, quoteName } from '../../postgres/quote.ts';

/** What a database has beside its content, as its dump's manifest keeps it: pg_restore gives none of it to a database of another name. Plain JSON. */
export interface DatabaseProperties {
  /** `UTF8`. */
  readonly encoding: string;
  readonly locale: {
    readonly provider: 'libc' | 'icu' | 'builtin';
    readonly collate: string;
    readonly ctype: string;
    /** Of ICU or the builtin provider. */
    readonly name: string | null;
    /** Of ICU, since PostgreSQL 16. */
    readonly rules: string | null;
  };
  readonly owner: string;
  /** Null where nothing was ever granted or revoked: PUBLIC may connect. */
  readonly privileges: readonly DatabasePrivilege[] | null;
  /** -1 for no limit. */
  readonly connectionLimit: number;
  readonly comment: string | null;
  readonly settings: readonly DatabaseSetting[];
}

export interface DatabasePrivilege {
  /** Null for PUBLIC. */
  readonly grantee: string | null;
  /** `CONNECT`, `TEMPORARY`, `CREATE`. */
  readonly privilege: string;
  readonly grantable: boolean;
}

/** ALTER DATABASE … SET; with a role ALTER ROLE … IN DATABASE … SET. */
export interface DatabaseSetting {
  readonly role: string | null;
  readonly name: string;
  /** As the catalog has it: a list of names with each name quoted where it needs that. */
  readonly value: string;
}

/** Options of CREATE DATABASE for the encoding and the locale, on a server of this major. */
export function localeOptions({ encoding, locale }: DatabaseProperties, major: number): string {
  const words = [
    `ENCODING ${quoteLiteral(encoding)}`,
    `LC_COLLATE ${quoteLiteral(locale.collate)}`,
    `LC_CTYPE ${quoteLiteral(locale.ctype)}`,
  ];
  // PostgreSQL 14 knows no providers; what is not of libc it has to refuse.
  if (major >= 15 || locale.provider !== 'libc') words.push(`LOCALE_PROVIDER ${locale.provider}`);
  if (locale.name !== null) words.push(`${locale.provider === 'icu' ? 'ICU' : 'BUILTIN'}_LOCALE ${quoteLiteral(locale.name)}`);
  if (locale.rules !== null) words.push(`ICU_RULES ${quoteLiteral(locale.rules)}`);
  return words.join(' ');
}

/** Whether nobody but those that privileges are given to may connect. */
export function isClosed({ privileges }: DatabaseProperties): boolean {
  return privileges !== null && !privileges.some(({ grantee, privilege }) => grantee === null && privilege === 'CONNECT');
}

/**
 * The statements that give a restored database the rest, in order. Privileges come last and are granted by the owner, whoever granted
 * them before: what cannot be given is missing then, and nothing is open that was not.
 */
export function propertyStatements(properties: DatabaseProperties, name: string): readonly string[] {
  const database = quoteName(name);
  const { owner, comment, connectionLimit, settings, privileges } = properties;
  const grants = (privileges ?? []).map(
    ({ grantee, privilege, grantable }) =>
      `GRANT ${/^[A-Z]+$/.test(privilege) ? privilege : quoteName(privilege)} ON DATABASE ${database} TO ${grantee === null ? 'PUBLIC' : quoteName(grantee)}${grantable ? ' WITH GRANT OPTION' : ''}`,
  );
  return [
    ...(comment === null ? [] : [`COMMENT ON DATABASE ${database} IS ${quoteLiteral(comment)}`]),
    ...(connectionLimit === -1 ? [] : [`ALTER DATABASE ${database} CONNECTION LIMIT ${connectionLimit}`]),
    ...settings.map((setting) => settingStatement(setting, database)),
    `ALTER DATABASE ${database} OWNER TO ${quoteName(owner)}`,
    ...(privileges === null ? [] : ['PUBLIC', quoteName(owner)].map((from) => `REVOKE ALL ON DATABASE ${database} FROM ${from}`)),
    ...grants,
  ];
}

/** Settings that are lists of names: each of them is a text of its own in SET. */
const NAME_LISTS: ReadonlySet<string> = new Set([
  'search_path',
  'temp_tablespaces',
  'session_preload_libraries',
  'local_preload_libraries',
]);

function settingStatement({ role, name, value }: DatabaseSetting, database: string): string {
  const subject = role === null ? `DATABASE ${database}` : `ROLE ${quoteName(role)} IN DATABASE ${database}`;
  // A setting of an extension has a dot between two names.
  return `ALTER ${subject} SET ${name.split('.').map(quoteName).join('.')} TO ${settingValues(name, value).map(quoteLiteral).join(', ')}`;
}

/** What stands behind TO in SET: of a list each name as a text of its own. `value` is as the catalog has it. */
export function settingValues(name: string, value: string): readonly string[] {
  return NAME_LISTS.has(name) ? splitNames(value) : [value];
}

function splitNames(value: string): readonly string[] {
  const names = [...value.matchAll(/"((?:[^"]|"")*)"|[^\s,]+/g)].map(([whole, quoted]) => quoted?.replaceAll('""', '"') ?? whole);
  return names.length === 0 ? [''] : names;
}
