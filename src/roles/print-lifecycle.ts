import type { LifecycleChange, PolicyText, RetireOwned, SwitchRowSecurity } from './lifecycle-change.ts';
import { WRITTEN_FORMS } from './forms.ts';
import { doStatement, quoteIdentifier, quoteLiteral } from './quote.ts';
import { declaredDigest, MARK_WORD, SERVER_DIGEST_SQL } from './row-security.ts';

/** The SQL of a change about rows or about the end of a role. */
export function lifecycleSql(change: LifecycleChange): readonly string[] {
  switch (change.kind) {
    case 'row-security':
      return switchSql(change);
    case 'create-policy': {
      const { policy } = change;
      const head = `CREATE POLICY ${quoteIdentifier(policy.name)} ON ${tableSql(change)}`;
      const kind = `AS ${policy.restrictive ? 'RESTRICTIVE' : 'PERMISSIVE'} FOR ${policy.command.toUpperCase()}`;
      return [`${head} ${kind} ${policyBody(policy)}`, markSql(change, policy)];
    }
    case 'alter-policy':
      return [
        `ALTER POLICY ${quoteIdentifier(change.policy.name)} ON ${tableSql(change)} ${policyBody(change.policy)}`,
        markSql(change, change.policy),
      ];
    case 'drop-policy':
      return [`DROP POLICY ${quoteIdentifier(change.name)} ON ${tableSql(change)}`];
    case 'retire-login':
      return [`ALTER ROLE ${quoteIdentifier(change.role)} NOLOGIN`];
    case 'retire-sessions':
      return [
        `SELECT pg_catalog.pg_terminate_backend(pid, ${TERMINATE_MS}) FROM pg_catalog.pg_stat_activity WHERE usename = ${quoteLiteral(change.role)} AND pid <> pg_catalog.pg_backend_pid()`,
      ];
    case 'retire-owned':
      return retireOwnedSql(change);
    case 'drop-role':
      return [`DROP ROLE ${quoteIdentifier(change.role)}`];
  }
}

const TERMINATE_MS = 10_000;

interface OnTable {
  readonly schema: string;
  readonly table: string;
}

function tableSql({ schema, table }: OnTable): string {
  return `${quoteIdentifier(schema)}.${quoteIdentifier(table)}`;
}

function switchSql(change: SwitchRowSecurity): readonly string[] {
  const words = [
    ...(change.enable === undefined ? [] : [change.enable ? 'ENABLE ROW LEVEL SECURITY' : 'DISABLE ROW LEVEL SECURITY']),
    ...(change.force === undefined ? [] : [change.force ? 'FORCE ROW LEVEL SECURITY' : 'NO FORCE ROW LEVEL SECURITY']),
  ];
  return [`ALTER TABLE ${tableSql(change)} ${words.join(', ')}`];
}

/** TO, USING and WITH CHECK: the part that CREATE and ALTER have in common. */
export function policyBody(policy: Pick<PolicyText, 'to' | 'using' | 'check'>): string {
  const to = policy.to === undefined ? 'PUBLIC' : policy.to.map(quoteIdentifier).join(', ');
  return [`TO ${to}`, ...expressionParts(policy)].join(' ');
}

/** USING and WITH CHECK. A comment to the end of the line must not hide the bracket. */
export function expressionParts(policy: Pick<PolicyText, 'using' | 'check'>): readonly string[] {
  const inBrackets = (text: string): string => `(${text}${text.includes('--') ? '\n' : ''})`;
  return [
    ...(policy.using === undefined ? [] : [`USING ${inBrackets(policy.using)}`]),
    ...(policy.check === undefined ? [] : [`WITH CHECK ${inBrackets(policy.check)}`]),
  ];
}

/** Notes in the policy's comment which text became which normal form; what else the comment says stays. */
function markSql(on: OnTable, policy: PolicyText): string {
  const mark = `'[${MARK_WORD} ${declaredDigest(policy)} ' || (${SERVER_DIGEST_SQL}) || ']'`;
  const old = `regexp_replace(coalesce(obj_description(p.oid, 'pg_policy'), ''), ${quoteLiteral(`\\s*\\[${MARK_WORD} [^]]*\\]$`)}, '')`;
  const settings = Object.entries(WRITTEN_FORMS);
  const set = (values: readonly string[]): string =>
    `PERFORM ${settings.map(([name], index) => `set_config(${quoteLiteral(name)}, ${values[index] ?? ''}, true)`).join(', ')};`;
  // As they were afterwards: the next policy's text is read in the same transaction.
  return doStatement(
    `DECLARE own text[] := ARRAY[${settings.map(([name]) => `current_setting(${quoteLiteral(name)})`).join(', ')}]; ` +
      `BEGIN ${set(settings.map(([, value]) => quoteLiteral(value)))} ` +
      `EXECUTE (SELECT format('COMMENT ON POLICY %I ON %I.%I IS %L', p.polname, n.nspname, c.relname, ltrim(${old} || E'\\n' || ${mark}, E'\\n')) ` +
      'FROM pg_catalog.pg_policy p JOIN pg_catalog.pg_class c ON c.oid = p.polrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace ' +
      `WHERE n.nspname = ${quoteLiteral(on.schema)} AND c.relname = ${quoteLiteral(on.table)} AND p.polname = ${quoteLiteral(policy.name)}); ` +
      `${set(settings.map((_, index) => `own[${index + 1}]`))} END`,
  );
}

/** Catalogs whose rows a role has as an owner and that REASSIGN OWNED leaves: they are its own and go with it. */
export const NOT_REASSIGNED = "'pg_catalog.pg_default_acl'::pg_catalog.regclass, 'pg_catalog.pg_user_mapping'::pg_catalog.regclass";

function retireOwnedSql({ role, reassignTo, database }: RetireOwned): readonly string[] {
  const name = quoteIdentifier(role);
  const reassign = reassignTo === undefined ? [] : [`REASSIGN OWNED BY ${name} TO ${quoteIdentifier(reassignTo)}`];
  // DROP OWNED drops what the role owns as well; between the plan and now, or since REASSIGN, it may have made something.
  const guard = doStatement(
    'BEGIN IF EXISTS (SELECT FROM pg_catalog.pg_shdepend s JOIN pg_catalog.pg_roles r ON r.oid = s.refobjid ' +
      "WHERE s.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass AND s.deptype = 'o' " +
      `AND s.classid NOT IN (${NOT_REASSIGNED}) AND s.dbid IN (0, (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database())) AND r.rolname = ${quoteLiteral(role)}) ` +
      `THEN RAISE EXCEPTION USING ERRCODE = 'dependent_objects_still_exist', MESSAGE = ${quoteLiteral(`role ${role} owns objects in database ${database} that DROP OWNED would drop`)}; END IF; END`,
  );
  return [...reassign, guard, `DROP OWNED BY ${name}`];
}
