import { printable } from '../../base/printable.ts';
import { databaseOf } from '../../roles/change.ts';
import { countRisks, describeChange, type ChangeLine, type Risk } from '../../roles/describe.ts';
import { FIXED_FORMS } from '../../roles/forms.ts';
import { lackText } from '../../roles/refuse-apply.ts';
import type { RolesPlan } from '../../roles/plan.ts';
import { changeSql } from '../../roles/print.ts';
import { quoteLiteral } from '../../roles/quote.ts';
import { planTransactions } from '../../roles/transactions.ts';
import type { Output } from '../output.ts';
import type { InspectedPlan, RolesProject } from './load-roles.ts';

const STYLES: Readonly<Record<Risk, 'good' | 'warn' | 'bad' | 'dim'>> = { SAFE: 'dim', WIDEN: 'warn', NARROW: 'good', DESTROY: 'bad' };

/** What the plan is about and each change on a line. */
export function showPlan(output: Output, project: RolesProject, { plan }: InspectedPlan): void {
  const databases = [...project.document.databases.keys()].join(', ');
  output.line(`${databases === '' ? 'roles' : databases} on ${project.clusterName}, mode ${project.document.mode}`);
  for (const line of alignedLines(plan.changes.map(describeChange), output)) output.line(line);
  for (const note of plan.notes) output.warn(note);
}

/** What the role that plans may not do, with the SQL that a superuser would have to run first. */
export function showLacks(output: Output, { plan, observed }: InspectedPlan): void {
  if (plan.lacks.length === 0) return;
  output.line(`${observed.cluster.currentRole} cannot do all of this by itself. It lacks:`);
  for (const lack of plan.lacks) {
    output.line(`  ${printable(lackText(lack))}`);
    for (const statement of lack.sql) output.line(`    ${output.style('bold', printable(statement))};`);
  }
}

const WIDEST_TEXT = 64;

/** One line per change, columns aligned; a very long text pushes its own remark out and no other's. */
function alignedLines(lines: readonly ChangeLine[], output: Output): readonly string[] {
  const width = (texts: readonly string[]): number => Math.max(0, ...texts.map((text) => text.length));
  const subjects = width(lines.map((line) => line.subject));
  const texts = Math.min(WIDEST_TEXT, width(lines.map((line) => line.text)));
  return lines.map(({ risk, subject, sign, text, remark }) => {
    const head = `  ${output.style(STYLES[risk], risk.padEnd(7))} ${subject.padEnd(subjects)}  ${sign} `;
    return `${head}${remark === '' ? text : `${text.padEnd(texts)}   ${remark}`}`;
  });
}

/** How many changes, of what kind, and what was left alone. */
export function summaryText(plan: RolesPlan): string {
  const count = plan.changes.length;
  const { destroy } = countRisks(plan.changes.map(describeChange));
  const { roles, undeclaredRoles, schemas, privileges } = plan.unmanaged;
  const left = `${plural(roles.length, 'role')} and ${plural(schemas.length, 'schema')} unmanaged`;
  const undeclared = undeclaredRoles.length === 0 ? '' : `, ${plural(undeclaredRoles.length, 'role')} in scope undeclared`;
  const others = privileges.length === 0 ? '' : `, ${plural(privileges.length, 'privilege')} of other kinds`;
  return `${count === 0 ? 'in sync' : `${plural(count, 'change')}, ${destroy} destructive`}, ${left}${undeclared}${others}`;
}

function plural(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? '' : 's'}`;
}

/** What the file leaves alone, by name. */
export function showUnmanaged(output: Output, plan: RolesPlan): void {
  const { unmanaged } = plan;
  const sections = [
    ['roles out of scope', unmanaged.roles],
    ['roles in scope and not declared', unmanaged.undeclaredRoles],
    ['databases not declared', unmanaged.databases],
    ['schemas out of scope', unmanaged.schemas],
    ['members out of scope', unmanaged.memberships],
    ['privileges of other kinds', unmanaged.privileges],
  ] as const;
  for (const [title, names] of sections) if (names.length > 0) output.line(`  ${title}: ${printable(names.join(', '))}`);
}

/** The document of `--json`. */
export function planJson(project: RolesProject, { plan, major }: InspectedPlan): Record<string, unknown> {
  const lines = plan.changes.map(describeChange);
  return {
    cluster: project.clusterName,
    server: major,
    mode: project.document.mode,
    inSync: plan.changes.length === 0,
    changes: plan.changes.map((change, index) => ({
      ...(lines[index] satisfies ChangeLine | undefined),
      database: databaseOf(change) ?? null,
      sql: changeSql(change),
    })),
    counts: countRisks(lines),
    unmanaged: plan.unmanaged,
    notes: plan.notes,
    lacks: plan.lacks,
  };
}

/** The plan as SQL to paste into psql, a transaction per part. Passwords cannot be in it: they are named in comments. */
export function planScript(project: RolesProject, { plan, major }: InspectedPlan): string {
  const others = plan.changes.filter((change) => change.kind !== 'password');
  const lines: string[] = [];
  for (const { database, changes } of planTransactions(others, project.document.maintenanceDatabase, major)) {
    lines.push(`\\connect ${psqlWord(database)}`, 'BEGIN;', "SET LOCAL lock_timeout = '5s';");
    // As apply has them: the marks of row policies are made of what the server writes.
    lines.push(...Object.entries(FIXED_FORMS).map(([name, value]) => `SET LOCAL ${name} = ${quoteLiteral(value)};`));
    lines.push(...changes.flatMap((change) => changeSql(change).map((statement) => `${statement};`)), 'COMMIT;', '');
  }
  for (const change of plan.changes) {
    if (change.kind !== 'password') continue;
    lines.push(
      `-- ${JSON.stringify(change.role)}: password from ${JSON.stringify(change.source)}; dbadmin roles apply sends it as a verifier`,
    );
  }
  return lines.length === 0 ? '-- in sync: nothing to do\n' : `${lines.join('\n').trimEnd()}\n`;
}

/** psql reads a word in double quotes as one name. */
function psqlWord(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
