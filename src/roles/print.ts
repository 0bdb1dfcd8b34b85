import type {
  AlterRole,
  Change,
  CreateRole,
  DefaultChange,
  GrantMembership,
  ObjectSet,
  OwnObjects,
  PrivilegeChange,
  RevokeMembership,
  SettingChange,
} from './change.ts';
import { ROLE_ATTRIBUTES, type RoleAttribute, type SettingValue } from './document/document.ts';
import { isLifecycleChange } from './lifecycle-change.ts';
import { lifecycleSql } from './print-lifecycle.ts';
import { quoteIdentifier, quoteLiteral } from './quote.ts';
import type { ObjectKind } from './privileges.ts';
import type { Grantee } from './state.ts';

/** The SQL of a change, one statement without its semicolon per element. A password is not in it: see `passwordSql`. */
export function changeSql(change: Change): readonly string[] {
  if (isLifecycleChange(change)) return lifecycleSql(change);
  if (change.kind === 'create-role') return [`CREATE ROLE ${quoteIdentifier(change.role)}${roleOptions(change, ' WITH')}`];
  if (change.kind === 'alter-role') return [alterRoleSql(change)];
  if (change.kind === 'comment-role') {
    const text = change.comment === '' ? 'NULL' : quoteLiteral(change.comment);
    return [`COMMENT ON ROLE ${quoteIdentifier(change.role)} IS ${text}`];
  }
  if (change.kind === 'password') return [];
  if (change.kind === 'grant-membership') return [grantMembershipSql(change)];
  if (change.kind === 'revoke-membership') return [revokeMembershipSql(change)];
  if (change.kind === 'setting') return [settingSql(change)];
  if (change.kind === 'create-schema')
    return [`CREATE SCHEMA ${quoteIdentifier(change.schema)} AUTHORIZATION ${quoteIdentifier(change.owner)}`];
  if (change.kind === 'own-schema') return [`ALTER SCHEMA ${quoteIdentifier(change.schema)} OWNER TO ${quoteIdentifier(change.owner)}`];
  if (change.kind === 'own-database')
    return [`ALTER DATABASE ${quoteIdentifier(change.database)} OWNER TO ${quoteIdentifier(change.owner)}`];
  if (change.kind === 'own-objects') return ownObjectsSql(change);
  return change.kind === 'privilege' ? privilegeSql(change) : [defaultSql(change)];
}

/** ALTER ROLE … PASSWORD with a verifier, or with NULL. The only SQL that holds something secret. */
export function passwordSql(role: string, verifier: string | undefined): string {
  return `ALTER ROLE ${quoteIdentifier(role)} PASSWORD ${verifier === undefined ? 'NULL' : quoteLiteral(verifier)}`;
}

const ATTRIBUTE_WORDS: Readonly<Record<RoleAttribute, string>> = {
  superuser: 'SUPERUSER',
  createdb: 'CREATEDB',
  createrole: 'CREATEROLE',
  replication: 'REPLICATION',
  bypassrls: 'BYPASSRLS',
  inherit: 'INHERIT',
};

function roleOptions(change: CreateRole | AlterRole, lead: string): string {
  const isNew = change.kind === 'create-role';
  const words: string[] = [];
  if (change.login !== undefined) words.push(change.login ? 'LOGIN' : 'NOLOGIN');
  for (const attribute of ROLE_ATTRIBUTES) {
    const value = change.attributes[attribute];
    // A role that does not exist has the defaults; a plan that repeats them says nothing and needs rights it does not use.
    if (value === undefined || (isNew && value === (attribute === 'inherit'))) continue;
    words.push(`${value ? '' : 'NO'}${ATTRIBUTE_WORDS[attribute]}`);
  }
  if (change.connectionLimit !== undefined && !(isNew && change.connectionLimit === -1))
    words.push(`CONNECTION LIMIT ${change.connectionLimit}`);
  if (change.validUntil !== undefined) words.push(`VALID UNTIL ${quoteLiteral(change.validUntil ?? 'infinity')}`);
  return words.length === 0 ? '' : `${lead} ${words.join(' ')}`;
}

function alterRoleSql(change: AlterRole): string {
  return `ALTER ROLE ${quoteIdentifier(change.role)}${roleOptions(change, ' WITH')}`;
}

function grantMembershipSql(change: GrantMembership): string {
  const head = `GRANT ${quoteIdentifier(change.role)} TO ${quoteIdentifier(change.member)}`;
  if (change.grantor === undefined) return change.admin ? `${head} WITH ADMIN OPTION` : head;
  const word = (value: boolean | undefined): string => (value === false ? 'FALSE' : 'TRUE');
  const options = `WITH ADMIN ${change.admin ? 'TRUE' : 'FALSE'}, INHERIT ${word(change.inherit)}, SET ${word(change.set)}`;
  return `${head} ${options} GRANTED BY ${quoteIdentifier(change.grantor)}`;
}

function revokeMembershipSql(change: RevokeMembership): string {
  const option = change.what === 'admin' ? 'ADMIN OPTION FOR ' : '';
  const by = change.grantor === undefined ? '' : ` GRANTED BY ${quoteIdentifier(change.grantor)}`;
  return `REVOKE ${option}${quoteIdentifier(change.role)} FROM ${quoteIdentifier(change.member)}${by}`;
}

function settingSql(change: SettingChange): string {
  const database = change.database === undefined ? '' : quoteIdentifier(change.database);
  const place =
    change.role === undefined
      ? `DATABASE ${database}`
      : `ROLE ${quoteIdentifier(change.role)}${database === '' ? '' : ` IN DATABASE ${database}`}`;
  const { name, value } = change;
  return value === undefined ? `ALTER ${place} RESET ${settingName(name)}` : `ALTER ${place} SET ${settingAssignment({ name, value })}`;
}

function settingName(name: string): string {
  return name.split('.').map(quoteIdentifier).join('.');
}

/** `"work_mem" TO '4MB'`: what stands after SET. */
export function settingAssignment({ name, value }: { readonly name: string; readonly value: SettingValue }): string {
  const values = typeof value === 'string' ? [value] : value;
  const list = values.length === 0 ? "''" : values.map((each) => quoteLiteral(each)).join(', ');
  return `${settingName(name)} TO ${list}`;
}

/** Statements on at most this many named objects: each is locked until commit on 18 and later. */
export const NAMES_PER_STATEMENT = 1000;

function privilegeSql(change: PrivilegeChange): readonly string[] {
  const option = change.action === 'revoke-option' ? 'GRANT OPTION FOR ' : '';
  const grantee = granteesSql(change);
  const statements = targets(change).map((what) =>
    change.action === 'grant'
      ? `GRANT ${what} TO ${grantee}${change.grantable ? ' WITH GRANT OPTION' : ''}`
      : `REVOKE ${option}${what} FROM ${grantee}`,
  );
  return change.actAs === undefined ? statements : actedSql(change, change.actAs, statements);
}

/** An entry goes only when the role that granted it takes it back. */
function actedSql({ on, lendUsage, detached }: PrivilegeChange, actor: string, statements: readonly string[]): readonly string[] {
  const name = quoteIdentifier(actor);
  let acted: readonly string[] = [`SET LOCAL ROLE ${name}`, ...statements, 'RESET ROLE'];
  const within = (before: string, after: string): void => void (acted = [before, ...acted, after]);
  if (lendUsage === true && 'schema' in on) {
    const usage = `USAGE ON SCHEMA ${quoteIdentifier(on.schema)}`;
    within(`GRANT ${usage} TO ${name}`, `REVOKE ${usage} FROM ${name}`);
  }
  for (const { role, grantor } of detached?.edges ?? []) {
    const edge = (inherit: string): string =>
      `GRANT ${quoteIdentifier(role)} TO ${name} WITH INHERIT ${inherit} GRANTED BY ${quoteIdentifier(grantor)}`;
    within(edge('FALSE'), edge('TRUE'));
  }
  if (detached?.attribute === true) within(`ALTER ROLE ${name} NOINHERIT`, `ALTER ROLE ${name} INHERIT`);
  if (detached?.superuser === true) within(`ALTER ROLE ${name} NOSUPERUSER`, `ALTER ROLE ${name} SUPERUSER`);
  return acted;
}

/** Privileges and what they are on, as GRANT and REVOKE name them: one text per statement. */
function targets({ privileges, on }: PrivilegeChange): readonly string[] {
  if (on.kind === 'column') {
    const columns = on.columns.map(quoteIdentifier).join(', ');
    const listed = privileges.map((privilege) => `${privilege} (${columns})`).join(', ');
    return [`${listed} ON TABLE ${quoteIdentifier(on.schema)}.${quoteIdentifier(on.table)}`];
  }
  return objectTexts(on).map((objects) => `${privileges.join(', ')} ON ${objects}`);
}

const KIND_WORDS = { table: 'TABLE', sequence: 'SEQUENCE', routine: 'ROUTINE', type: 'TYPE' } as const;
const SINGLE_WORDS = {
  database: 'DATABASE',
  schema: 'SCHEMA',
  language: 'LANGUAGE',
  'foreign data wrapper': 'FOREIGN DATA WRAPPER',
  server: 'FOREIGN SERVER',
  tablespace: 'TABLESPACE',
} as const;

function objectTexts(on: Exclude<ObjectSet, { kind: 'column' }>): readonly string[] {
  if (on.kind === 'parameter') return [`PARAMETER ${on.name.split('.').map(quoteIdentifier).join('.')}`];
  if ('name' in on) return [`${SINGLE_WORDS[on.kind]} ${quoteIdentifier(on.name)}`];
  if (on.all) return [`ALL ${KIND_WORDS[on.kind]}S IN SCHEMA ${quoteIdentifier(on.schema)}`];
  const names = on.names.map((name) => objectName(on.schema, on.kind, name));
  const texts: string[] = [];
  for (let start = 0; start < names.length; start += NAMES_PER_STATEMENT) {
    texts.push(`${KIND_WORDS[on.kind]} ${names.slice(start, start + NAMES_PER_STATEMENT).join(', ')}`);
  }
  return texts;
}

/** The server quoted a routine's name itself, together with its argument types. */
function objectName(schema: string, kind: ObjectKind, name: string): string {
  return `${quoteIdentifier(schema)}.${kind === 'routine' ? name : quoteIdentifier(name)}`;
}

function ownObjectsSql({ of, schema, names, owner, lentBy }: OwnObjects): readonly string[] {
  // ALTER TABLE takes views, materialized views and foreign tables as well, ALTER TYPE takes domains.
  const statements = names.map((name) => `ALTER ${KIND_WORDS[of]} ${objectName(schema, of, name)} OWNER TO ${quoteIdentifier(owner)}`);
  if (lentBy === undefined) return statements;
  const create = `CREATE ON SCHEMA ${quoteIdentifier(schema)}`;
  return [`GRANT ${create} TO ${quoteIdentifier(owner)}`, ...statements, `REVOKE ${create} FROM ${quoteIdentifier(owner)}`];
}

function defaultSql(change: DefaultChange): string {
  const where = change.schema === undefined ? '' : ` IN SCHEMA ${quoteIdentifier(change.schema)}`;
  const kind = change.of === 'schema' ? 'SCHEMAS' : `${KIND_WORDS[change.of]}S`;
  const privileges = change.privileges.join(', ');
  const head = `ALTER DEFAULT PRIVILEGES FOR ROLE ${quoteIdentifier(change.creator)}${where}`;
  if (change.action === 'grant') {
    return `${head} GRANT ${privileges} ON ${kind} TO ${granteesSql(change)}${change.grantable ? ' WITH GRANT OPTION' : ''}`;
  }
  return `${head} REVOKE ${change.action === 'revoke-option' ? 'GRANT OPTION FOR ' : ''}${privileges} ON ${kind} FROM ${granteesSql(change)}`;
}

function granteesSql({ grantee, others = [] }: PrivilegeChange | DefaultChange): string {
  return [grantee, ...others].map(granteeSql).join(', ');
}

function granteeSql(grantee: Grantee): string {
  return grantee.kind === 'public' ? 'PUBLIC' : quoteIdentifier(grantee.name);
}
