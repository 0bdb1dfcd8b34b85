import { quoteLiteral, quoteName } from '../../postgres/quote.ts';
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
  /** What is asked before it runs is asked by the search_path that the database gives, as it is run: for names that were typed without a schema. */
  readonly path?: 'own';
}

const VERIFIER = /^SCRAM-SHA-256\$\d{1,9}:[A-Za-z0-9+/=]+\$[A-Za-z0-9+/=]{44}:[A-Za-z0-9+/=]{44}$/;

/** The statements that undo the return of what `deed` took, in order. None for a migration: files do that. Running them twice is fine. */
export function statementsFor(deed: Deed): readonly ReconcileStatement[] {
  switch (deed.kind) {
    case 'role-dropped':
      return roleDropped(deed.role);
    case 'role-disabled':
      return [any(`ALTER ROLE ${quoteName(deed.role)} NOLOGIN PASSWORD NULL`, deed.role)];
    case 'membership-revoked': {
      const [role, member] = [quoteName(deed.role), quoteName(deed.member)];
      // Since 16 a membership is granted by somebody, and only that grant is revoked unless the grantor is named.
      const grantors = `SELECT format('REVOKE %s FROM %s', ${quoteLiteral(role)}, ${quoteLiteral(member)}) || CASE
    WHEN current_setting('server_version_num')::int >= 160000 THEN format(' GRANTED BY %I', pg_get_userbyid(grantor)) ELSE '' END || ' CASCADE'
  FROM pg_auth_members WHERE roleid = ${quoteLiteral(role)}::regrole AND member = ${quoteLiteral(member)}::regrole`;
      return [{ ...any(grantors, deed.member), roles: [deed.member, deed.role], kind: 'generates' }];
    }
    case 'privilege-revoked': {
      const from = isPublic(deed.grantee) ? 'PUBLIC' : quoteName(deed.grantee);
      const sql = `REVOKE ${deed.privileges.map(privilegeWord).join(', ')} ON ${objectSql(deed.on)} FROM ${from} CASCADE`;
      const revoke = {
        ...any(sql, isPublic(deed.grantee) ? undefined : deed.grantee),
        where: { kind: 'database', name: deed.database } as const,
        // It may be younger than the restored moment: then nobody has a privilege on it.
        presence: presenceSql(deed.on),
        // Types of arguments may be written without a schema.
        ...(deed.on.kind === 'function' || deed.on.kind === 'procedure' ? ({ path: 'own' } as const) : {}),
      };
      return [revoke, { ...revoke, sql: byGrantorsSql(deed.on, deed.grantee, sql), kind: 'generates' }];
    }
    case 'password-rotated':
      return [
        deed.verifier !== null && VERIFIER.test(deed.verifier)
          ? { ...any(`ALTER ROLE ${quoteName(deed.role)} PASSWORD '${deed.verifier}'`, deed.role), secret: true }
          : // Nobody knows the new one: the old one must not open anything.
            any(`ALTER ROLE ${quoteName(deed.role)} NOLOGIN PASSWORD NULL`, deed.role),
      ];
    case 'subject-forgotten': {
      const [schema, name] = deed.procedure;
      const places = deed.arguments.map((_each, index) => `$${index + 1}`).join(', ');
      return [
        {
          where: { kind: 'database', name: deed.database },
          sql: `CALL ${quoteName(schema)}.${quoteName(name)}(${places})`,
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

/** Has what a dropped role owned until it takes the name of that role, at the end of the same deed. */
const KEEPER = 'dbadmin reconcile keeper';

/** Catalogs whose rows REASSIGN OWNED leaves to their owner: they go with it. */
const NOT_REASSIGNED = `'pg_default_acl'::regclass, 'pg_user_mapping'::regclass`;

/** Each object that `role` owns, in any database; `s` is its row. */
export function ownedBySql(role: string, columns: string): string {
  return `SELECT ${columns} FROM pg_shdepend s JOIN pg_roles r ON r.oid = s.refobjid
  WHERE s.refclassid = 'pg_authid'::regclass AND s.deptype = 'o' AND s.classid NOT IN (${NOT_REASSIGNED}) AND r.rolname = ${quoteLiteral(role)}`;
}

/**
 * What the role owned may run with the rights of its owner: functions that are SECURITY DEFINER, views, rules, expressions of indexes. So
 * nobody who may do more than it gets them: they stay with a role of its name that is made anew, may nothing else and is nobody. What
 * was a superuser's goes to a superuser, as some of it has to. Since who got it when the role was dropped is not known, it is for somebody to give away.
 */
function roleDropped(name: string): readonly ReconcileStatement[] {
  const [role, keeper] = [quoteName(name), quoteName(KEEPER)];
  const each = { kind: 'each' } as const;
  const wasSuperuser = `SELECT 1 FROM pg_roles WHERE rolname = ${quoteLiteral(name)} AND rolsuper`;
  // Of one that is no superuser any more: nobody else may own these, and REASSIGN OWNED is refused for them.
  const forSuperusers = `SELECT format('ALTER %s %I OWNER TO CURRENT_USER', kind, name) FROM (
    SELECT 'EVENT TRIGGER', evtname, evtowner FROM pg_event_trigger
    UNION ALL SELECT 'FOREIGN DATA WRAPPER', fdwname, fdwowner FROM pg_foreign_data_wrapper
    UNION ALL SELECT 'SUBSCRIPTION', subname, subowner FROM pg_subscription
      WHERE subdbid = (SELECT oid FROM pg_database WHERE datname = current_database()) AND current_setting('server_version_num')::int < 160000
  ) o (kind, name, owner) WHERE owner = ${quoteLiteral(role)}::regrole`;
  // A foreign key is checked as the owner of the table that it refers to.
  const usage = `SELECT DISTINCT format('GRANT USAGE ON SCHEMA %I TO %I', n.nspname, ${quoteLiteral(KEEPER)})
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relowner = ${quoteLiteral(keeper)}::regrole AND n.nspowner <> c.relowner AND n.nspname !~ '^pg_'`;
  return [
    any(`ALTER ROLE ${role} NOLOGIN PASSWORD NULL`, name),
    { ...any(forSuperusers, name), where: each, kind: 'generates' },
    { ...any(`CREATE ROLE ${keeper} NOLOGIN`, name), presence: `${ownedBySql(name, '1')} AND NOT r.rolsuper LIMIT 1` },
    { ...any(`REASSIGN OWNED BY ${role} TO ${keeper}`, name), where: each, roles: [name, KEEPER] },
    { ...any(`REASSIGN OWNED BY ${role} TO CURRENT_USER`, name), where: each, presence: wasSuperuser },
    { ...any(`DROP OWNED BY ${role}`, name), where: each },
    any(`DROP ROLE ${role}`, name),
    { ...any(usage, KEEPER), where: each, kind: 'generates' },
    any(`ALTER ROLE ${keeper} RENAME TO ${role}`, KEEPER),
  ];
}

/** Everybody, as the ledger has it, or as somebody typed it: no role can be called `public`. */
function isPublic(grantee: string): boolean {
  return grantee === 'PUBLIC' || grantee === 'public';
}

/**
 * What others than the owner granted, only they can revoke: the query makes a statement for each of them. Whatever the path is, each function
 * and operator in it is that of the catalog, to whose arguments none fits better.
 */
function byGrantorsSql(on: RevokedObject, grantee: string, revokeSql: string): string {
  const who = isPublic(grantee) ? '0::oid' : `${quoteLiteral(quoteName(grantee))}::regrole::oid`;
  return `SELECT DISTINCT pg_catalog.format('SET LOCAL ROLE %I; ', pg_catalog.pg_get_userbyid(one.grantor)) || ${quoteLiteral(revokeSql)} || '; RESET ROLE'
  FROM (${aclSql(on)}) AS held (acl), pg_catalog.aclexplode(held.acl) AS one WHERE one.grantee = ${who}`;
}

function aclSql({ kind, schema, name }: RevokedObject): string {
  const full = `${schema === undefined ? '' : `${quoteName(schema)}.`}${quoteName(name)}`;
  switch (kind) {
    case 'table':
    case 'sequence':
      return `SELECT relacl FROM pg_class WHERE oid = ${quoteLiteral(full)}::regclass`;
    case 'all-tables':
      return `SELECT relacl FROM pg_class WHERE relkind IN ('r', 'p', 'v', 'm', 'f') AND relnamespace = ${quoteLiteral(quoteName(schema ?? name))}::regnamespace`;
    case 'schema':
      return `SELECT nspacl FROM pg_namespace WHERE nspname = ${quoteLiteral(name)}`;
    case 'database':
      return `SELECT datacl FROM pg_database WHERE datname = ${quoteLiteral(name)}`;
    case 'function':
    case 'procedure':
      return `SELECT proacl FROM pg_proc WHERE oid = ${quoteLiteral(routineSql(schema, name))}::regprocedure::oid`;
  }
}

function presenceSql({ kind, schema, name }: RevokedObject): string {
  const full = `${schema === undefined ? '' : `${quoteName(schema)}.`}${quoteName(name)}`;
  switch (kind) {
    case 'table':
    case 'sequence':
      return `SELECT 1 WHERE to_regclass(${quoteLiteral(full)}) IS NOT NULL`;
    case 'all-tables':
    case 'schema':
      return `SELECT 1 FROM pg_namespace WHERE nspname = ${quoteLiteral(schema ?? name)}`;
    case 'database':
      return `SELECT 1 FROM pg_database WHERE datname = ${quoteLiteral(name)}`;
    case 'function':
    case 'procedure':
      return `SELECT 1 WHERE to_regprocedure(${quoteLiteral(routineSql(schema, name))}) IS NOT NULL`;
  }
}

/** `"core"."forget"(bigint)` of schema and `forget(bigint)`. */
function routineSql(schema: string | undefined, name: string): string {
  const match = /^([^()]+)\(([\w\s,.[\]"]*)\)$/.exec(name);
  return `${schema === undefined ? '' : `${quoteName(schema)}.`}${quoteName(match?.[1] ?? name)}(${match?.[2] ?? ''})`;
}

function any(sql: string, role: string | undefined): ReconcileStatement {
  const roles = role === undefined ? [] : [role];
  return { where: { kind: 'any' }, sql, values: [], roles, presence: undefined, kind: 'runs', secret: false };
}

/** `SELECT`, `ALL`; anything that is not a word is quoted and so refused by the server. */
function privilegeWord(privilege: string): string {
  return /^[A-Za-z]+( [A-Za-z]+)?$/.test(privilege) ? privilege.toUpperCase() : quoteName(privilege);
}

function objectSql({ kind, schema, name }: RevokedObject): string {
  if (kind === 'all-tables') return `ALL TABLES IN SCHEMA ${quoteName(schema ?? name)}`;
  if (kind === 'database' || kind === 'schema') return `${kind.toUpperCase()} ${quoteName(name)}`;
  const prefix = schema === undefined ? '' : `${quoteName(schema)}.`;
  if (kind === 'function' || kind === 'procedure') return `${kind.toUpperCase()} ${routineSql(schema, name)}`;
  return `${kind.toUpperCase()} ${prefix}${quoteName(name)}`;
}
