import { Closures } from './closure.ts';
import { relationKey, type AccessGraph, type AccessPrivilege, type AccessRole } from './graph.ts';
import { holds } from './paths.ts';
import { isColumnPrivilege } from './privilege-table.ts';
import { bestRoute, effective, type Route } from './routes.ts';
import { findTarget, type Target } from './target.ts';
import { isOver, overText } from '../valid-until.ts';

/** `yes` at once; `set-role` after SET ROLE; `view` and `routine` through what acts as its owner; `admin` after granting itself a role. */
export type Verdict = 'yes' | 'set-role' | 'view' | 'routine' | 'admin' | 'no';

/** What one role may do with the object that was asked about. */
export interface Answer {
  readonly role: AccessRole;
  readonly verdict: Verdict;
  /** As the server's has_…_privilege answers: no regard to the schema, the database or the login. */
  readonly holds: boolean;
  /** The way the verdict rests on. */
  readonly route: Route | undefined;
  /** All ways, also those that are no more than possible. */
  readonly routes: readonly Route[];
  /** What is missing although the privilege is there: `USAGE on schema core`, `CONNECT on database music`. */
  readonly lacks: readonly string[];
  /** Other things to know: an end of the password, rows that policies decide about, columns that can be read instead. */
  readonly remarks: readonly string[];
}

export interface Asker {
  readonly graph: AccessGraph;
  readonly database: string;
  readonly now: Date;
}

/** The answer for `role`. Whoever cannot log in or connect is told so in `lacks` or `remarks`, and a role that logs in then cannot. */
export function whoCan(asker: Asker, role: AccessRole, target: Target, privilege: AccessPrivilege, closures = closuresOf(asker)): Answer {
  const found = effective(closures, role.name, target, privilege);
  const connect = missingConnect(asker, closures, role);
  const lacks = [...found.lacks, ...connect];
  const route = connect.length > 0 ? undefined : bestRoute(found);
  const isFree = target.ref.kind === 'parameter' && privilege === 'SET' && asker.graph.freeParameters.has(target.ref.name);
  const verdict = isFree ? 'yes' : route === undefined ? 'no' : route.kind === 'now' ? 'yes' : route.kind;
  const isNo = verdict === 'no' || verdict === 'admin';
  const about =
    isNo || (verdict === 'routine' && target.ref.column === undefined)
      ? partOf(asker, closures, role, target, privilege, verdict)
      : remarksOn(asker, closures, role, target);
  return {
    role,
    verdict,
    holds: found.holds,
    route,
    routes: found.routes,
    lacks: isNo && (found.holds || found.routes.length > 0) ? lacks : [],
    remarks: connect.length > 0 ? [] : [...(isFree ? ['every role may set it for itself'] : []), ...about],
  };
}

export function closuresOf({ graph, database }: Asker): Closures {
  return new Closures(graph, database);
}

/** CONNECT is asked of the role that logs in, before any SET ROLE. */
function missingConnect({ graph, database }: Asker, closures: Closures, role: AccessRole): readonly string[] {
  if (!role.login) return [];
  const target = findTarget(graph, database, { kind: 'database', schema: undefined, name: database, column: undefined });
  return target === undefined || holds(closures, role.name, target, 'CONNECT') ? [] : [`CONNECT on database ${database}`];
}

function remarksOn({ graph, database, now }: Asker, closures: Closures, role: AccessRole, target: Target): readonly string[] {
  const remarks: string[] = [];
  if (isOver(role.validUntil, now)) remarks.push(`its password ${overText(role.validUntil)}`);
  const rows = graph.databases
    .get(database)
    ?.rowSecurity.find((each) => each.schema === target.ref.schema && each.name === target.ref.name);
  if (target.ref.kind === 'table' && rows !== undefined) {
    const owns = !rows.forced && closures.inherited(role.name).has(target.group.owner);
    if (!closures.isSuperuser(role.name) && !role.attributes.bypassrls && !owns) remarks.push('rows as the policies of the table allow');
  }
  return remarks;
}

/** The columns that can be had where the whole, or this one, cannot. */
function partOf(
  { graph, database }: Asker,
  closures: Closures,
  role: AccessRole,
  target: Target,
  privilege: AccessPrivilege,
  verdict: Verdict,
): readonly string[] {
  const { ref } = target;
  if (ref.kind !== 'table' || ref.schema === undefined || !isColumnPrivilege(privilege)) return [];
  const columns = graph.databases.get(database)?.columnNames.get(relationKey({ schema: ref.schema, name: ref.name })) ?? [];
  const open = columns.filter((column) => {
    const one = findTarget(graph, database, { ...ref, column });
    if (one === undefined || column === ref.column) return false;
    return effective(closures, role.name, one, privilege).routes.some(({ kind }) => kind !== 'admin' && kind !== 'routine');
  });
  if (open.length === 0) return [];
  if (ref.column !== undefined) return [`other columns, not this one: ${open.join(', ')}`];
  return [`${verdict === 'routine' ? 'for certain ' : ''}only columns ${open.join(', ')}`];
}

/** The roles asked about: one by name, or every one that logs in. */
export function askedRoles(graph: AccessGraph, name: string | undefined): readonly AccessRole[] {
  if (name === undefined) return [...graph.roles.values()].filter(({ login }) => login);
  const role = graph.roles.get(name);
  return role === undefined ? [] : [role];
}
