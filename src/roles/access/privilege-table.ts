import { parsePrivilege, privilegesOf } from '../privileges.ts';
import type { AccessGroup, AccessKind, AccessPrivilege } from './graph.ts';

/** The privileges that exist on `kind` on a server of `major`. */
export function accessPrivileges(kind: AccessKind, major: number): readonly AccessPrivilege[] {
  return kind === 'large object' ? ['SELECT', 'UPDATE'] : privilegesOf(kind, major);
}

/** The letter that PostgreSQL's access control lists have for each privilege. */
export const PRIVILEGE_LETTERS: Readonly<Record<AccessPrivilege, string>> = {
  SELECT: 'r',
  INSERT: 'a',
  UPDATE: 'w',
  DELETE: 'd',
  TRUNCATE: 'D',
  REFERENCES: 'x',
  TRIGGER: 't',
  MAINTAIN: 'm',
  USAGE: 'U',
  CREATE: 'C',
  CONNECT: 'c',
  TEMPORARY: 'T',
  EXECUTE: 'X',
  SET: 's',
  'ALTER SYSTEM': 'A',
};

/** The privileges that can be had on single columns. */
export const COLUMN_PRIVILEGES = privilegesOf('column');

export function isColumnPrivilege(privilege: AccessPrivilege): boolean {
  return COLUMN_PRIVILEGES.includes(privilege);
}

/** The privilege that `text` names, in any case, with TEMP for TEMPORARY; undefined when there is none of that name. */
export function parseAccessPrivilege(text: string): AccessPrivilege | undefined {
  return parsePrivilege(text.trim().replaceAll(/[\s_]+/g, ' '));
}

/**
 * The server's own roles that may do `privilege` on every object of the group, whatever its access control list says.
 *
 * @see src/backend/catalog/aclchk.c, pg_class_aclmask_ext and pg_namespace_aclmask_ext
 */
export function predefinedRoles(group: Pick<AccessGroup, 'kind' | 'isCatalog'>, privilege: AccessPrivilege): readonly string[] {
  if (group.kind === 'schema') return privilege === 'USAGE' ? ['pg_read_all_data', 'pg_write_all_data'] : [];
  if (group.kind !== 'table' && group.kind !== 'sequence') return [];
  if (privilege === 'SELECT') return ['pg_read_all_data'];
  if (privilege === 'INSERT' || privilege === 'UPDATE' || privilege === 'DELETE') return ['pg_write_all_data'];
  return privilege === 'MAINTAIN' ? ['pg_maintain'] : [];
}

/** Tables of the catalog are changed by superusers only, whatever is granted. */
export function isDenied(group: Pick<AccessGroup, 'isCatalog'>, privilege: AccessPrivilege): boolean {
  return group.isCatalog && (privilege === 'INSERT' || privilege === 'UPDATE' || privilege === 'DELETE' || privilege === 'TRUNCATE');
}
