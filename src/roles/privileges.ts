/** What privileges can be granted on, as a profile names it. `table` is every relation but sequences. */
export const PRIVILEGE_KINDS = [
  'database',
  'schema',
  'table',
  'column',
  'sequence',
  'routine',
  'type',
  'language',
  'foreign data wrapper',
  'server',
  'tablespace',
  'parameter',
] as const;
export type PrivilegeKind = (typeof PRIVILEGE_KINDS)[number];

export const OBJECT_KINDS = ['table', 'sequence', 'routine', 'type'] as const;
/** What lies in a schema and has privileges. */
export type ObjectKind = (typeof OBJECT_KINDS)[number];

export const GLOBAL_KINDS = ['language', 'foreign data wrapper', 'server'] as const;
/** What a database has without a schema. */
export type GlobalKind = (typeof GLOBAL_KINDS)[number];

export const PRIVILEGES = [
  'SELECT',
  'INSERT',
  'UPDATE',
  'DELETE',
  'TRUNCATE',
  'REFERENCES',
  'TRIGGER',
  'MAINTAIN',
  'USAGE',
  'CREATE',
  'CONNECT',
  'TEMPORARY',
  'EXECUTE',
  'SET',
  'ALTER SYSTEM',
] as const;
export type Privilege = (typeof PRIVILEGES)[number];

const BY_KIND: Readonly<Record<PrivilegeKind, readonly Privilege[]>> = {
  database: ['CREATE', 'CONNECT', 'TEMPORARY'],
  schema: ['USAGE', 'CREATE'],
  table: ['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER', 'MAINTAIN'],
  column: ['SELECT', 'INSERT', 'UPDATE', 'REFERENCES'],
  sequence: ['USAGE', 'SELECT', 'UPDATE'],
  routine: ['EXECUTE'],
  type: ['USAGE'],
  language: ['USAGE'],
  'foreign data wrapper': ['USAGE'],
  server: ['USAGE'],
  tablespace: ['CREATE'],
  parameter: ['SET', 'ALTER SYSTEM'],
};

/** First major that has a privilege, where that is not every one. */
const SINCE: Readonly<Partial<Record<Privilege, number>>> = { MAINTAIN: 17, SET: 15, 'ALTER SYSTEM': 15 };

/** The privileges that exist on `kind`; with `major` those of that server only. */
export function privilegesOf(kind: PrivilegeKind, major = Number.POSITIVE_INFINITY): readonly Privilege[] {
  return BY_KIND[kind].filter((privilege) => (SINCE[privilege] ?? 0) <= major);
}

/** The privilege in `text`, in any case, with TEMP for TEMPORARY; undefined when there is none of that name. */
export function parsePrivilege(text: string): Privilege | undefined {
  const word = text.toUpperCase() === 'TEMP' ? 'TEMPORARY' : text.toUpperCase();
  return PRIVILEGES.find((privilege) => privilege === word);
}

/** The privileges in a fixed order, so that equal sets read the same. */
export function sortPrivileges(privileges: readonly Privilege[]): readonly Privilege[] {
  return [...privileges].sort((left, right) => PRIVILEGES.indexOf(left) - PRIVILEGES.indexOf(right));
}
