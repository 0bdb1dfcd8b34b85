import type { Sql, TransactionSql } from 'postgres';
import { messageOf, systemCodeOf } from '../base/errors.ts';
import type { DeclaredDatabase } from './document/document.ts';
import type { DeclaredPolicy, DeclaredRowSecurity, PolicyCommand } from './document/lifecycle.ts';
import { fixForms, fixWrittenForms } from './inspect-forms.ts';
import { policyKey, type DatabaseRowSecurity, type ExpressionFinding, type PolicyState, type TableRowSecurity } from './lifecycle-state.ts';
import { expressionParts } from './print-lifecycle.ts';
import { quoteIdentifier } from './quote.ts';
import { differingParts, isSurelySame } from './row-security.ts';
import { relationKey } from './state.ts';

const COMMANDS: Readonly<Record<string, PolicyCommand>> = { '*': 'all', r: 'select', a: 'insert', w: 'update', d: 'delete' };

interface PolicyRow {
  readonly name: string;
  readonly command: string;
  readonly permissive: boolean;
  readonly to: readonly string[] | null;
  readonly using: string | null;
  readonly check: string | null;
  readonly comment: string | null;
}

/** Row security and policies of the tables that the file names, in an open snapshot. */
export async function readRowSecurity(
  sql: TransactionSql,
  declared: Pick<DeclaredDatabase, 'rowSecurity'>,
): Promise<DatabaseRowSecurity['tables']> {
  if (declared.rowSecurity.length === 0) return new Map();
  const names = JSON.stringify(declared.rowSecurity.map(({ table }) => table));
  const rows = await sql<(Omit<TableRowSecurity, 'policies'> & { readonly policies: readonly PolicyRow[] | null })[]>`
    select n.nspname::text as schema, c.relname::text as name, pg_catalog.pg_get_userbyid(c.relowner)::text as owner,
           c.relrowsecurity as enabled, c.relforcerowsecurity as forced,
           (select json_agg(json_build_object(
              'name', p.polname, 'command', p.polcmd, 'permissive', p.polpermissive,
              'to', case when p.polroles <> '{0}' then (select json_agg(r.rolname order by r.rolname collate "C")
                                                          from pg_catalog.pg_roles r where r.oid = any (p.polroles)) end,
              'using', pg_catalog.pg_get_expr(p.polqual, p.polrelid), 'check', pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid),
              'comment', pg_catalog.obj_description(p.oid, 'pg_policy')) order by p.polname)
              from pg_catalog.pg_policy p where p.polrelid = c.oid) as policies
      from pg_catalog.pg_class c
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      join json_to_recordset(${names}::text::json) as w(schema text, name text) on w.schema = n.nspname and w.name = c.relname
     where c.relkind in ('r', 'p')`;
  return new Map(rows.map((row) => [relationKey(row), { ...row, policies: (row.policies ?? []).map(parsePolicy) }]));
}

function parsePolicy(row: PolicyRow): PolicyState {
  return {
    name: row.name,
    command: COMMANDS[row.command] ?? 'all',
    restrictive: !row.permissive,
    to: row.to ?? undefined,
    using: row.using ?? undefined,
    check: row.check ?? undefined,
    comment: row.comment ?? undefined,
  };
}

/**
 * How each declared policy compares with what is there. Where neither text nor mark tells, the server is asked for the normal
 * form: the policy is made on an empty temporary table with the same name and columns, in a transaction that is rolled back.
 * That locks nobody out of the table itself.
 */
export async function comparePolicies(
  client: Sql,
  declared: DeclaredDatabase,
  tables: DatabaseRowSecurity['tables'],
): Promise<DatabaseRowSecurity['findings']> {
  const findings = new Map<string, ExpressionFinding>();
  for (const rules of declared.rowSecurity) {
    const table = tables.get(relationKey(rules.table));
    if (table === undefined) continue;
    const doubtful: DeclaredPolicy[] = [];
    for (const policy of rules.policies) {
      const found = table.policies.find(({ name }) => name === policy.name);
      if (found !== undefined && isSurelySame(policy, found)) findings.set(policyKey(table, policy.name), { kind: 'same' });
      else doubtful.push(policy);
    }
    if (doubtful.length === 0) continue;
    for (const [name, finding] of await askServer(client, rules, table, doubtful)) findings.set(policyKey(table, name), finding);
  }
  return findings;
}

class RollBack extends Error {}

async function askServer(
  client: Sql,
  rules: DeclaredRowSecurity,
  table: TableRowSecurity,
  policies: readonly DeclaredPolicy[],
): Promise<ReadonlyMap<string, ExpressionFinding>> {
  const findings = new Map<string, ExpressionFinding>();
  try {
    await client.begin(async (sql) => {
      await fixForms(sql);
      await sql`select set_config('lock_timeout', '1s', true)`;
      await sql.unsafe(`CREATE TEMPORARY TABLE ${quoteIdentifier(table.name)} (${await columnList(sql, rules)}) ON COMMIT DROP`);
      for (const policy of policies) {
        const wrong = await tryPolicy(sql, table.name, policy);
        if (wrong !== undefined) findings.set(policy.name, wrong);
      }
      // All are read by now.
      await fixWrittenForms(sql);
      for (const policy of policies) {
        if (findings.has(policy.name)) continue;
        const found = table.policies.find(({ name }) => name === policy.name);
        findings.set(policy.name, found === undefined ? { kind: 'new' } : await compareForms(sql, table.name, policy.name, found));
      }
      throw new RollBack();
    });
  } catch (error) {
    if (!(error instanceof RollBack)) {
      for (const policy of policies) findings.set(policy.name, { kind: 'unknown', why: messageOf(error) });
    }
  }
  return findings;
}

/** From the catalog and not by LIKE, which would need SELECT on the table. */
async function columnList(sql: TransactionSql, { table }: DeclaredRowSecurity): Promise<string> {
  const columns = await sql<{ name: string; type: string; collation: string | null }[]>`
    select a.attname::text as name, pg_catalog.format_type(a.atttypid, a.atttypmod) as type,
           case when a.attcollation <> t.typcollation
                then (select pg_catalog.quote_ident(cn.nspname) || '.' || pg_catalog.quote_ident(co.collname)
                        from pg_catalog.pg_collation co join pg_catalog.pg_namespace cn on cn.oid = co.collnamespace
                       where co.oid = a.attcollation) end as collation
      from pg_catalog.pg_attribute a
      join pg_catalog.pg_type t on t.oid = a.atttypid
      join pg_catalog.pg_class c on c.oid = a.attrelid
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     where n.nspname = ${table.schema} and c.relname = ${table.name} and a.attnum > 0 and not a.attisdropped
     order by a.attnum`;
  return columns
    .map(({ name, type, collation }) => `${quoteIdentifier(name)} ${type}${collation === null ? '' : ` COLLATE ${collation}`}`)
    .join(', ');
}

/** No function of that type, no value of that type: an expression over whole rows means the type of the real table. */
const OF_TYPES = ['42883', '42804'];
/** What the role may not use, and what was interrupted: that says nothing about the expression. */
const PROVES_NOTHING = ['42501', '57014'];

/** Makes the policy on the temporary table; gives what the server has against it. */
async function tryPolicy(sql: TransactionSql, table: string, policy: DeclaredPolicy): Promise<ExpressionFinding | undefined> {
  const name = quoteIdentifier(policy.name);
  const made = `CREATE POLICY ${name} ON pg_temp.${quoteIdentifier(table)} FOR ${policy.command.toUpperCase()} ${expressionParts(policy).join(' ')}`;
  try {
    await sql.savepoint(async (attempt) => await attempt.unsafe(made));
    return undefined;
  } catch (error) {
    const code = systemCodeOf(error) ?? '';
    const isOverRows = OF_TYPES.includes(code) && `${policy.using ?? ''} ${policy.check ?? ''}`.includes(table);
    return { kind: isOverRows || PROVES_NOTHING.includes(code) ? 'unknown' : 'invalid', why: messageOf(error) };
  }
}

async function compareForms(sql: TransactionSql, table: string, name: string, found: PolicyState): Promise<ExpressionFinding> {
  const [row] = await sql<{ using: string | null; check: string | null }[]>`
    select pg_catalog.pg_get_expr(p.polqual, p.polrelid) as using, pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid) as check
      from pg_catalog.pg_policy p
      join pg_catalog.pg_class c on c.oid = p.polrelid
     where c.relnamespace = pg_catalog.pg_my_temp_schema() and c.relname = ${table} and p.polname = ${name}`;
  const what = differingParts({ using: row?.using ?? undefined, check: row?.check ?? undefined }, found);
  return what.length === 0 ? { kind: 'same' } : { kind: 'differs', what };
}
