import type { DeclaredDatabase, Mode } from './document/document.ts';
import type { DeclaredPolicy, DeclaredRowSecurity } from './document/lifecycle.ts';
import type { DropPolicy, PolicyText, RowSecurityChange } from './lifecycle-change.ts';
import { policyKey, type DatabaseRowSecurity, type ExpressionFinding, type PolicyState, type TableRowSecurity } from './lifecycle-state.ts';
import type { Refusals } from './refusal.ts';
import { relationKey } from './state.ts';

/**
 * The changes to row security of one database. `exists` tells which roles there are or will be.
 *
 * A table that the file names has the policies that stand there and no others. Mode `add` only makes what lets more through:
 * permissive policies that are missing.
 */
export function planRowSecurity(
  declared: DeclaredDatabase,
  state: DatabaseRowSecurity,
  mode: Mode,
  exists: (role: string) => boolean,
  refusals: Refusals,
): readonly RowSecurityChange[] {
  return declared.rowSecurity.flatMap((rules): readonly RowSecurityChange[] => {
    const table = state.tables.get(relationKey(rules.table));
    if (table === undefined) {
      refusals.add(rules.at, `table ${rules.table.schema}.${rules.table.name} does not exist in database ${declared.name}`);
      return [];
    }
    for (const policy of rules.policies) checkPolicy(policy, table, state, exists, refusals);
    const on = { database: declared.name, schema: table.schema, table: table.name };
    const changes = rules.policies.flatMap((policy) => planPolicy(on, policy, table, state));
    if (mode === 'add')
      return changes.filter(
        (change) => change.kind === 'create-policy' && !change.policy.restrictive && !isThere(table, change.policy.name),
      );
    return [...planSwitch(on, rules, table), ...changes, ...surplus(on, rules, table)];
  });
}

interface OnTable {
  readonly database: string;
  readonly schema: string;
  readonly table: string;
}

function isThere(table: TableRowSecurity, policy: string): boolean {
  return table.policies.some(({ name }) => name === policy);
}

function checkPolicy(
  policy: DeclaredPolicy,
  table: TableRowSecurity,
  state: DatabaseRowSecurity,
  exists: (role: string) => boolean,
  refusals: Refusals,
): void {
  for (const role of policy.to ?? []) {
    if (!exists(role)) refusals.add(policy.at, `row policy ${policy.name}: role "${role}" does not exist and is not declared`);
  }
  const finding = state.findings.get(policyKey(table, policy.name));
  if (finding?.kind !== 'invalid') return;
  refusals.add(
    policy.at,
    `row policy ${policy.name} of ${table.schema}.${table.name}: ${finding.why} (names are looked up with an empty search_path)`,
  );
}

function planSwitch(on: OnTable, rules: DeclaredRowSecurity, table: TableRowSecurity): readonly RowSecurityChange[] {
  const enable = rules.enable === table.enabled ? {} : { enable: rules.enable };
  const force = rules.force === table.forced ? {} : { force: rules.force };
  const change = { kind: 'row-security', ...on, ...enable, ...force } as const;
  return change.enable === undefined && change.force === undefined ? [] : [change];
}

function planPolicy(
  on: OnTable,
  declared: DeclaredPolicy,
  table: TableRowSecurity,
  state: DatabaseRowSecurity,
): readonly RowSecurityChange[] {
  const policy = textOf(declared);
  const found = table.policies.find(({ name }) => name === policy.name);
  if (found === undefined) return [{ kind: 'create-policy', ...on, policy }];
  const finding = state.findings.get(policyKey(table, policy.name));
  if (mustBeReplaced(declared, found)) return [drop(on, found, true), { kind: 'create-policy', ...on, policy }];
  const differs = [...(sameRoles(policy.to, found.to) ? [] : ['to']), ...differingExpressions(finding)];
  const doubt = finding?.kind === 'unknown' ? finding.why : undefined;
  return differs.length === 0 && doubt === undefined ? [] : [{ kind: 'alter-policy', ...on, policy, differs, doubt }];
}

function textOf({ name, command, restrictive, to, using, check }: DeclaredPolicy): PolicyText {
  return { name, command, restrictive, to, using, check };
}

/** ALTER POLICY changes neither command nor kind, and takes no expression away. */
function mustBeReplaced(declared: DeclaredPolicy, found: PolicyState): boolean {
  if (declared.command !== found.command || declared.restrictive !== found.restrictive) return true;
  return (declared.using === undefined && found.using !== undefined) || (declared.check === undefined && found.check !== undefined);
}

function sameRoles(left: readonly string[] | undefined, right: readonly string[] | undefined): boolean {
  return JSON.stringify([...(left ?? [])].sort()) === JSON.stringify([...(right ?? [])].sort());
}

function differingExpressions(finding: ExpressionFinding | undefined): readonly string[] {
  return finding?.kind === 'differs' ? finding.what : [];
}

function drop(on: OnTable, { name, restrictive }: PolicyState, isReplaced: boolean): DropPolicy {
  return { kind: 'drop-policy', ...on, name, restrictive, isReplaced };
}

function surplus(on: OnTable, rules: DeclaredRowSecurity, table: TableRowSecurity): readonly RowSecurityChange[] {
  const wanted = new Set(rules.policies.map(({ name }) => name));
  return table.policies.filter(({ name }) => !wanted.has(name)).map((policy) => drop(on, policy, false));
}
