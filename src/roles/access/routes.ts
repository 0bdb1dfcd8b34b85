import type { Closures, Step } from './closure.ts';
import { relationKey, type AccessDatabase, type AccessPrivilege, type DefinerRoutine, type DefinerView } from './graph.ts';
import { holds, ways, type Way } from './paths.ts';
import { findTarget, schemaGroup, type Target } from './target.ts';

/** A way to do something, from what is there at once to what it would take a step more for. */
export type Route =
  | { readonly kind: 'now'; readonly way: Way }
  | { readonly kind: 'set-role'; readonly role: string; readonly steps: readonly Step[]; readonly way: Way }
  /** Reads through a view, which reads as its owner. */
  | { readonly kind: 'view'; readonly view: DefinerView; readonly access: Route; readonly way: Way }
  /** Executes a routine that acts as its owner and names the object, or may. */
  | {
      readonly kind: 'routine';
      readonly routine: DefinerRoutine;
      readonly evidence: 'names-it' | 'composes-sql' | 'cannot-be-read';
      readonly access: Route;
      readonly way: Way;
    }
  /** May grant itself a role that has it. */
  | { readonly kind: 'admin'; readonly role: string; readonly way: Way };

/** What a role may do with one object. */
export interface Effective {
  /** As the server's has_…_privilege answers. */
  readonly holds: boolean;
  /** The ways that lead all the way, the plainest first. */
  readonly routes: readonly Route[];
  /** What is missing where the privilege is there and of no use: `USAGE on schema core`. */
  readonly lacks: readonly string[];
}

/**
 * What `role` may do with `target` in every way there is: at once, after SET ROLE, through views and functions that act as
 * their owner, and by granting itself a role. A route counts only with USAGE on the schema; `holds` does not ask for it.
 */
export function effective(closures: Closures, role: string, target: Target, privilege: AccessPrivilege): Effective {
  const isHeld = holds(closures, role, target, privilege);
  const direct = directRoutes(closures, role, target, privilege);
  const settable = [...closures.settable(role).keys()].filter((each) => each !== role);
  const isUseless = isHeld && target.ref.schema !== undefined && !direct.some(({ kind }) => kind === 'now');
  const routes = [...direct, ...aroundRoutes(closures, role, target, privilege, [])];
  for (const each of closures.administrable(role)) {
    if (routes.length > 0 || settable.includes(each)) break;
    const [way] = reached(closures, each, target, privilege);
    if (way !== undefined) routes.push({ kind: 'admin', role: each, way });
  }
  return { holds: isHeld, routes, lacks: isUseless ? [`USAGE on schema ${target.ref.schema}`] : [] };
}

/** At once, and after SET ROLE where a role gives more than is there at once. */
function directRoutes(closures: Closures, role: string, target: Target, privilege: AccessPrivilege): Route[] {
  const now = reached(closures, role, target, privilege);
  const routes: Route[] = now.map((way) => ({ kind: 'now', way }));
  const inherited = closures.inherited(role);
  for (const [other, steps] of closures.settable(role)) {
    // What an inherited role may do is there at once, but for a superuser's powers, which are not inherited.
    if (other === role || closures.isSuperuser(role) || (inherited.has(other) && !closures.isSuperuser(other))) continue;
    const [way] = reached(closures, other, target, privilege);
    if (way !== undefined) routes.push({ kind: 'set-role', role: other, steps, way });
  }
  return routes.sort(
    (left, right) => Number(left.kind === 'set-role') - Number(right.kind === 'set-role') || lengthOf(left) - lengthOf(right),
  );
}

function lengthOf(route: Route): number {
  return route.way.steps.length + (route.kind === 'set-role' ? route.steps.length : 0);
}

/** The ways to the privilege for `role` as it is, when it may look into the schema too. */
function reached(closures: Closures, role: string, target: Target, privilege: AccessPrivilege): readonly Way[] {
  const { schema } = target;
  if (schema !== undefined && !holds(closures, role, { group: schema, column: undefined }, 'USAGE')) return [];
  return ways(closures, role, target, privilege);
}

/** Through what acts as its owner. `through` are the views on the way already: a view may read a view. */
function aroundRoutes(
  closures: Closures,
  role: string,
  target: Target,
  privilege: AccessPrivilege,
  through: readonly DefinerView[],
): readonly Route[] {
  const database = target.database === undefined ? undefined : closures.graph.databases.get(target.database);
  if (database === undefined || (target.ref.kind !== 'table' && target.ref.kind !== 'sequence' && target.ref.kind !== 'routine')) return [];
  const views = privilege === 'SELECT' && target.ref.kind === 'table' ? viewRoutes(closures, role, target, database, through) : [];
  return [...views, ...(through.length === 0 ? routineRoutes(closures, role, target, privilege, database) : [])];
}

function viewRoutes(
  closures: Closures,
  role: string,
  target: Target,
  database: AccessDatabase,
  through: readonly DefinerView[],
): readonly Route[] {
  return database.views.flatMap((view): readonly Route[] => {
    if (through.includes(view) || !reads(view, target, database)) return [];
    // The owner's right is asked without USAGE: the view was made when names were looked up.
    const [way] = ways(closures, view.owner, target, 'SELECT');
    const as = findTarget(closures.graph, database.name, { kind: 'table', schema: view.schema, name: view.name, column: undefined });
    if (way === undefined || as === undefined) return [];
    const some = withAnyColumn(as, database);
    const access = [
      ...some.flatMap((each) => directRoutes(closures, role, each, 'SELECT')),
      ...viewRoutes(closures, role, as, database, [...through, view]),
    ];
    return access[0] === undefined ? [] : [{ kind: 'view', view, access: access[0], way }];
  });
}

/** Whether a view reads the column that is asked about, or all of the relation where that is known. */
function reads(view: DefinerView, target: Target, database: AccessDatabase): boolean {
  const { schema, name, column } = target.ref;
  const read = view.reads.find((each) => each.schema === schema && each.name === name);
  if (read === undefined) return false;
  if (column !== undefined) return read.columns.includes(column);
  const columns = database.columnNames.get(relationKey({ schema: schema ?? '', name })) ?? [];
  return columns.every((each) => read.columns.includes(each));
}

/** The relation as a whole, and each of its columns with privileges of their own. */
function withAnyColumn(target: Target, database: AccessDatabase): readonly Target[] {
  const columns = database.columns.filter(({ schema, table }) => schema === target.ref.schema && table === target.ref.name);
  return [target, ...columns.map((column) => ({ ...target, column }))];
}

function routineRoutes(
  closures: Closures,
  role: string,
  target: Target,
  privilege: AccessPrivilege,
  database: AccessDatabase,
): readonly Route[] {
  return database.routines.flatMap((routine): readonly Route[] => {
    const evidence = evidenceOf(routine, target, privilege);
    if (evidence === undefined) return [];
    const [way] = ways(closures, routine.owner, target, privilege);
    const call = findTarget(closures.graph, database.name, {
      kind: 'routine',
      schema: routine.schema,
      name: routine.name,
      column: undefined,
    });
    if (way === undefined || call === undefined) return [];
    const [access] = directRoutes(closures, role, { ...call, schema: schemaGroup(database, routine.schema) }, 'EXECUTE');
    return access === undefined ? [] : [{ kind: 'routine', routine, evidence, access, way }];
  });
}

/** Whether a routine's text can have to do with the object; undefined when it does not name it, or nothing it does is of that kind. */
function evidenceOf(
  routine: DefinerRoutine,
  { ref }: Target,
  privilege: AccessPrivilege,
): Extract<Route, { kind: 'routine' }>['evidence'] | undefined {
  if (ref.kind === 'routine' && ref.schema === routine.schema && ref.name === routine.name) return undefined;
  const { body } = routine;
  if (body === undefined) return 'cannot-be-read';
  const composed = /\bexecute\b/i.test(body) ? 'composes-sql' : undefined;
  if (VERBS[privilege]?.test(body) === false) return composed;
  const schema = ref.schema ?? '';
  if (routine.uses.some((each) => relationKey(each) === relationKey({ schema, name: ref.name }))) return 'names-it';
  const name = ref.kind === 'routine' ? ref.name.replace(/\(.*$/s, '').replaceAll('"', '') : ref.name;
  return mentions(body, name) ? 'names-it' : composed;
}

/** What a text says that changes something; one that only names the object may still read it. */
const VERBS: Readonly<Partial<Record<AccessPrivilege, RegExp>>> = {
  INSERT: /\b(?:insert|merge|copy)\b/i,
  UPDATE: /\b(?:update|merge|setval|nextval)\b/i,
  DELETE: /\b(?:delete|merge)\b/i,
  TRUNCATE: /\btruncate\b/i,
  REFERENCES: /\breferences\b/i,
  TRIGGER: /\btrigger\b/i,
  MAINTAIN: /\b(?:refresh|analyze|vacuum|reindex|cluster|lock)\b/i,
};

function mentions(body: string, name: string): boolean {
  const literal = name.replaceAll(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
  return new RegExp(`(?<![\\w$])${literal}(?![\\w$])`, 'iu').test(body);
}

/** The plainest route that is certain to lead there; a function that may name it is not. */
export function bestRoute(found: Effective): Route | undefined {
  return found.routes.find((route) => route.kind !== 'routine' || route.evidence === 'names-it');
}
