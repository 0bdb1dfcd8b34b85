import type { Deed, RevokedObject } from '../../repository/ledger-deed.ts';

/** A statement that undoes a return, and where it has to run: in one database, in each, or in any. */
export interface ReconcileStatement {
  readonly where: { readonly kind: 'any' } | { readonly kind: 'each' } | { readonly kind: 'database'; readonly name: string };
  readonly sql: string;
  /** Values of `$1`, `$2`, …; only for calls. */
  readonly values: readonly (string | number | boolean | null)[];
  /** Roles that have to be there for it to make sense; without them there is nothing to undo. */
  readonly roles: readonly string[];
  /** A query with one row if the object is there that it is about, and none if not; undefined when it is about none. */
  readonly presence: string | undefined;
  /** `generates`: a query whose rows are the statements to run. `calls`: a procedure, outside of a transaction of ours. */
  readonly kind: 'runs' | 'generates' | 'calls';
  /** Whether it holds a verifier, which must not be logged. */
  readonly secret: boolean;
}

const VERIFIER = /^SCRAM-SHA-256\$\d{1,9}:[A-Za-z0-9+/=]+\$[A-Za-z0-9+/=]{44}:[A-Za-z0-9+/=]{44}$/;

/** The statements that undo the return of what `deed` took, in order. None for a migration: files do that. Running them twice is fine. */
export function statementsFor(deed: Deed): readonly ReconcileStatement[] {
  switch (deed.kind) {
    case 'role-dropped': {
      const role = quoted(deed.role);
      return [
        any(`ALTER ROLE ${role} NOLOGIN PASSWORD NULL`, deed.role),
        // What it owns stays, without it: the role could only be dropped once nothing was its own any more.
        { ...any(`REASSIGN OWNED BY ${role} TO CURRENT_USER`, deed.role), where: { kind: 'each' } },
        { ...any(`DROP OWNED BY ${role}`, deed.role), where: { kind: 'each' } },
        any(`DROP ROLE ${role}`, deed.role),
      ];
    }
    case 'role-disabled':
      return [any(`ALTER ROLE ${quoted(deed.role)} NOLOGIN PASSWORD NULL`, deed.role)];
    case 'membership-revoked': {
      const [role, member] = [quoted(deed.role), quoted(deed.member)];
      // Since 16 a membership is granted by somebody, and only that grant is revoked unless the grantor is named.
      const grantors = `SELECT format('REVOKE %s FROM %s', ${literal(role)}, ${literal(member)}) || CASE
    WHEN current_setting('server_version_num')::int >= 160000 THEN format(' GRANTED BY %I', pg_get_userbyid(grantor)) ELSE '' END || ' CASCADE'
  FROM pg_auth_members WHERE roleid = ${literal(role)}::regrole AND member = ${literal(member)}::regrole`;
      return [{ ...any(grantors, deed.member), roles: [deed.member, deed.role], kind: 'generates' }];
    }
    case 'privilege-revoked': {
      const from = deed.grantee === 'PUBLIC' ? 'PUBLIC' : quoted(deed.grantee);
      const sql = `REVOKE ${deed.privileges.map(privilegeWord).join(', ')} ON ${objectSql(deed.on)} FROM ${from} CASCADE`;
      const revoke = {
        ...any(sql, deed.grantee === 'PUBLIC' ? undefined : deed.grantee),
        where: { kind: 'database', name: deed.database } as const,
        // It may be younger than the restored moment: then nobody has a privilege on it.
        presence: presenceSql(deed.on),
      };
      return [revoke, { ...revoke, sql: byGrantorsSql(deed.on, deed.grantee, sql), kind: 'generates' }];
    }
    case 'password-rotated':
      return [
        deed.verifier !== null && VERIFIER.test(deed.verifier)
          ? { ...any(`ALTER ROLE ${quoted(deed.role)} PASSWORD '${deed.verifier}'`, deed.role), secret: true }
          : // Nobody knows the new one: the old one must not open anything.
            any(`ALTER ROLE ${quoted(deed.role)} NOLOGIN PASSWORD NULL`, deed.role),
      ];
    case 'subject-forgotten': {
      const [schema, name] = deed.procedure;
      const places = deed.arguments.map((_each, index) => `$${index + 1}`).join(', ');
      return [
        {
          where: { kind: 'database', name: deed.database },
          sql: `CALL ${quoted(schema)}.${quoted(name)}(${places})`,
          values: deed.arguments,
          roles: [],
          presence: undefined,
          kind: 'calls',
          secret: false,
        },
      ];
    }
    case 'migration-applied':
    case 'migration-undone':
      return [];
  }
}

/** What others than the owner granted, only they can revoke: the query makes a statement for each of them. */
function byGrantorsSql(on: RevokedObject, grantee: string, revokeSql: string): string {
  const who = grantee === 'PUBLIC' ? '0' : `${literal(quoted(grantee))}::regrole::oid`;
  return `SELECT DISTINCT format('SET LOCAL ROLE %I; ', pg_get_userbyid(one.grantor)) || ${literal(revokeSql)} || '; RESET ROLE'
  FROM (${aclSql(on)}) AS held (acl), aclexplode(held.acl) AS one WHERE one.grantee = ${who}`;
}

function aclSql({ kind, schema, name }: RevokedObject): string {
  const full = `${schema === undefined ? '' : `${quoted(schema)}.`}${quoted(name)}`;
  switch (kind) {
    case 'table':
    case 'sequence':
      return `SELECT relacl FROM pg_class WHERE oid = ${literal(full)}::regclass`;
    case 'all-tables':
      return `SELECT relacl FROM pg_class WHERE relkind IN ('r', 'p', 'v', 'm', 'f') AND relnamespace = ${literal(quoted(schema ?? name))}::regnamespace`;
    case 'schema':
      return `SELECT nspacl FROM pg_namespace WHERE nspname = ${literal(name)}`;
    case 'database':
      return `SELECT datacl FROM pg_database WHERE datname = ${literal(name)}`;
    case 'function':
    case 'procedure':
      return `SELECT proacl FROM pg_proc WHERE oid = ${literal(routineSql(schema, name))}::regprocedure`;
  }
}

function presenceSql({ kind, schema, name }: RevokedObject): string {
  const full = `${schema === undefined ? '' : `${quoted(schema)}.`}${quoted(name)}`;
  switch (kind) {
    case 'table':
    case 'sequence':
      return `SELECT 1 WHERE to_regclass(${literal(full)}) IS NOT NULL`;
    case 'all-tables':
    case 'schema':
      return `SELECT 1 FROM pg_namespace WHERE nspname = ${literal(schema ?? name)}`;
    case 'database':
      return `SELECT 1 FROM pg_database WHERE datname = ${literal(name)}`;
    case 'function':
    case 'procedure':
      return `SELECT 1 WHERE to_regprocedure(${literal(routineSql(schema, name))}) IS NOT NULL`;
  }
}

/** `"core"."forget"(bigint)` of schema and `forget(bigint)`. */
function routineSql(schema: string | undefined, name: string): string {
  const match = /^([^()]+)\(([\w\s,.[\]"]*)\)$/.exec(name);
  return `${schema === undefined ? '' : `${quoted(schema)}.`}${quoted(match?.[1] ?? name)}(${match?.[2] ?? ''})`;
}

/** Always in quotes: `current_user` is a fine name for a role, and means another without them. */
function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

function any(sql: string, role: string | undefined): ReconcileStatement {
  const roles = role === undefined ? [] : [role];
  return { where: { kind: 'any' }, sql, values: [], roles, presence: undefined, kind: 'runs', secret: false };
}

/** `SELECT`, `ALL`; anything that is not a word is quoted and so refused by the server. */
function privilegeWord(privilege: string): string {
  return /^[A-Za-z]+( [A-Za-z]+)?$/.test(privilege) ? privilege.toUpperCase() : quoted(privilege);
}

function objectSql({ kind, schema, name }: RevokedObject): string {
  if (kind === 'all-tables') return `ALL TABLES IN SCHEMA ${quoted(schema ?? name)}`;
  if (kind === 'database' || kind === 'schema') return `${kind.toUpperCase()} ${quoted(name)}`;
  const prefix = schema === undefined ? '' : `${quoted(schema)}.`;
  if (kind === 'function' || kind === 'procedure') return `${kind.toUpperCase()} ${routineSql(schema, name)}`;
  return `${kind.toUpperCase()} ${prefix}${quoted(name)}`;
}
