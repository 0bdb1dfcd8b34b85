import { printable } from '../../base/printable.ts';
import type { AccessGraph } from '../../roles/access/graph.ts';
import { roleAccess, selfGrantable, superusersOf, type RoleAccess } from '../../roles/access/role-access.ts';
import { shownName } from '../../roles/access/target.ts';
import type { Output } from '../output.ts';
import type { Asked } from './ask-access.ts';

const MAX_SHOWN_NAMES = 3;

/** All that one role may do, objects alike on a line; with a plan, what it would add and take. */
export function showRoleAccess(output: Output, asked: Asked, role: string): void {
  const { graph, planned, database } = asked;
  const now = accessOf(graph, database, role);
  const after = planned === undefined ? undefined : accessOf(planned, database, role);
  const when = asked.at === undefined ? '' : ` at ${asked.at.toISOString()}`;
  output.line(printable(`${role} in ${database} on ${asked.clusterName}${when}`));
  for (const line of superuserLines(planned ?? graph, role)) output.line(line);
  const gains = selfGrantable(planned ?? graph, database, role);
  if (gains.length > 0) output.line(printable(`  may grant itself ${gains.map(shownName).join(', ')}, and have what that has`));
  const lines = after === undefined ? now.map((each) => ({ sign: ' ', each })) : compared(now, after);
  for (const line of aligned(lines)) output.line(line);
  if (lines.length === 0) output.line('  nothing');
  if (after !== undefined) {
    const changes = lines.filter(({ sign }) => sign !== ' ').length;
    output.line(changes === 0 ? 'nothing would change' : `${changes} line${changes === 1 ? '' : 's'} would change (+ new, − gone)`);
  }
  output.result({
    cluster: asked.clusterName,
    database,
    at: asked.at?.toISOString() ?? null,
    whatIf: asked.whatIf ?? null,
    role,
    superuser: [...superusersOf(planned ?? graph, role).keys()],
    mayGrantItself: gains,
    access: now.map(lineJson),
    ...(after === undefined ? {} : { after: after.map(lineJson) }),
  });
}

function accessOf(graph: AccessGraph, database: string, role: string): readonly RoleAccess[] {
  return graph.roles.has(role) ? roleAccess(graph, database, role) : [];
}

function superuserLines(graph: AccessGraph, role: string): readonly string[] {
  return [...superusersOf(graph, role).keys()].map((name) =>
    name === role ? '  superuser: everything' : `  everything, after SET ROLE ${printable(shownName(name))} (superuser)`,
  );
}

interface SignedLine {
  readonly sign: string;
  readonly each: RoleAccess;
}

function compared(now: readonly RoleAccess[], after: readonly RoleAccess[]): readonly SignedLine[] {
  const key = (each: RoleAccess): string => JSON.stringify(each);
  const [before, later] = [new Set(now.map(key)), new Set(after.map(key))];
  return [
    ...after.map((each) => ({ sign: before.has(key(each)) ? ' ' : '+', each })),
    ...now.filter((each) => !later.has(key(each))).map((each) => ({ sign: '−', each })),
  ];
}

function aligned(lines: readonly SignedLine[]): readonly string[] {
  const cells = lines.map(({ sign, each }) => {
    const what = `${each.kind} ${placeText(each)}`;
    const how = each.after === undefined ? each.how : `after SET ROLE ${shownName(each.after)}: ${each.how}`;
    const use = each.usable ? '' : `; of no use without USAGE on schema ${shownName(each.schema ?? '')}`;
    return { sign, what: printable(what), privileges: each.privileges.join(', '), how: printable(`${how}${use}`) };
  });
  const what = Math.min(60, Math.max(0, ...cells.map((cell) => cell.what.length)));
  const privileges = Math.min(50, Math.max(0, ...cells.map((cell) => cell.privileges.length)));
  return cells.map((cell) => `${cell.sign} ${cell.what.padEnd(what)}   ${cell.privileges.padEnd(privileges)}   ${cell.how}`.trimEnd());
}

function placeText({ kind, schema, table, names, total }: RoleAccess): string {
  const prefix = schema === undefined ? '' : `${shownName(schema)}.`;
  if (table !== undefined) return `${prefix}${shownName(table)} (${names.map(shownName).join(', ')})`;
  if (names.length === total && total > 1 && schema !== undefined) return `${prefix}* (all ${total})`;
  const shown = names.slice(0, MAX_SHOWN_NAMES).map((name) => (kind === 'routine' ? name : shownName(name)));
  const rest = names.length > MAX_SHOWN_NAMES ? ` and ${names.length - MAX_SHOWN_NAMES} more of ${total}` : '';
  return `${prefix}${shown.join(`, ${prefix}`)}${rest}`;
}

function lineJson({ after, schema, table, ...rest }: RoleAccess): Record<string, unknown> {
  return { setRole: after ?? null, schema: schema ?? null, table: table ?? null, ...rest };
}
