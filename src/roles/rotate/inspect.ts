import { readFile, stat } from 'node:fs/promises';
import type { Sql } from 'postgres';
import { DbadminError, messageOf, systemCodeOf } from '../../base/errors.ts';
import { Secret } from '../../base/secret.ts';

/** What of a login matters when its password changes. */
export interface RotatedLogin {
  readonly name: string;
  /** Undefined when there is none, or it may not be read. */
  readonly verifier: Secret | undefined;
  readonly canReadVerifier: boolean;
}

/**
 * The login as it is.
 *
 * @throws {DbadminError} `refused` when there is no such role, it does not log in, or it is the one that is connected.
 */
export async function inspectLogin(sql: Sql, role: string): Promise<RotatedLogin> {
  const [about] = await sql<{ login: boolean; self: boolean; readable: boolean }[]>`
    select r.rolcanlogin as login, r.rolname in (current_user, session_user) as self,
           pg_catalog.has_column_privilege('pg_catalog.pg_authid', 'rolpassword', 'select') as readable
      from pg_catalog.pg_roles r where r.rolname = ${role}`;
  if (about === undefined) throw new DbadminError('refused', `role ${role} does not exist`);
  if (!about.login) throw new DbadminError('refused', `role ${role} does not log in, so it has no password to rotate`);
  if (about.self) {
    throw new DbadminError('refused', `role ${role} is the one that is connected: a rotation that fails could lock it out`, {
      hint: 'Connect as another role.',
    });
  }
  if (!about.readable) return { name: role, verifier: undefined, canReadVerifier: false };
  const [row] = await sql<{ verifier: string | null }[]>`
    select rolpassword as verifier from pg_catalog.pg_authid where rolname = ${role}`;
  const verifier = row?.verifier ?? undefined;
  return { name: role, verifier: verifier === undefined ? undefined : new Secret(verifier), canReadVerifier: true };
}

/** How many sessions a login has now. */
export async function countSessions(sql: Sql, role: string): Promise<number> {
  const [row] = await sql<{ count: number }[]>`
    select count(*)::int as count from pg_catalog.pg_stat_activity where usename = ${role}`;
  return row?.count ?? 0;
}

/**
 * The password in a file; undefined when there is no file.
 *
 * @throws {DbadminError} `file-unreadable`; `refused` when others may read it.
 */
export async function readPasswordFile(file: string): Promise<Secret | undefined> {
  try {
    const { mode } = await stat(file);
    if ((mode & 0o077) !== 0) {
      throw new DbadminError('refused', `the password file ${file} can be read by others`, { hint: `chmod 600 ${file}` });
    }
    const text = (await readFile(file, 'utf8')).replace(/\r?\n$/, '');
    return text === '' ? undefined : new Secret(text);
  } catch (error) {
    if (error instanceof DbadminError) throw error;
    if (systemCodeOf(error) === 'ENOENT') return undefined;
    throw new DbadminError('file-unreadable', `cannot read ${file}`, { detail: messageOf(error), cause: error });
  }
}

/** How many objects, in all databases, `login` owns or has privileges on and `twin` has not. */
export async function countOwnObjects(sql: Sql, login: string, twin: string): Promise<number> {
  const [row] = await sql<{ count: number }[]>`
    with of(role, dbid, classid, objid, objsubid, deptype) as (
      select r.rolname::text, s.dbid, s.classid, s.objid, s.objsubid, s.deptype
        from pg_catalog.pg_shdepend s join pg_catalog.pg_roles r on r.oid = s.refobjid
       where s.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass and s.deptype in ('o', 'a'))
    select count(*)::int as count from (
      select dbid, classid, objid, objsubid, deptype from of where role = ${login}
      except select dbid, classid, objid, objsubid, deptype from of where role = ${twin}) own`;
  return row?.count ?? 0;
}
