import { matchesAny } from '../document/globs.ts';
import type { NeverObject, NeverRule } from '../document/never.ts';
import { Closures } from './closure.ts';
import type { AccessDatabase, AccessGraph, ObjectRef } from './graph.ts';
import { subjectsOf } from './never.ts';
import { routeText } from './route-text.ts';
import { effective, type Route } from './routes.ts';
import { findTarget, refText } from './target.ts';

/** A rule that holds, and a role that reads the object all the same: through a view that reads as its owner. */
export interface NeverDetour {
  readonly rule: NeverRule;
  readonly database: string;
  readonly role: string;
  /** `column catalog.track.secret` */
  readonly object: string;
  /** `through view catalog.v, which reads as postgres (…)` */
  readonly how: string;
  /** Roles besides the one that is named. */
  readonly more: number;
}

/**
 * The ways around rules about reading. They break no rule, since a view is also how access is given out with care; whoever wrote
 * the rule decides which of both it is. One for each rule and database.
 */
export function findDetours(rules: readonly NeverRule[], graph: AccessGraph): readonly NeverDetour[] {
  return rules.flatMap((rule) => {
    if (rule.kind !== 'can' || !rule.privileges.includes('SELECT') || (rule.on.kind !== 'table' && rule.on.kind !== 'column')) return [];
    const names = [...graph.databases.keys()].filter((name) => rule.database === undefined || rule.database === name);
    return names.flatMap((name) => detourIn(rule, graph, name) ?? []);
  });
}

function detourIn(rule: Extract<NeverRule, { kind: 'can' }>, graph: AccessGraph, database: string): NeverDetour | undefined {
  const inside = graph.databases.get(database);
  const targets = readThroughViews(rule.on, inside).flatMap((ref) => findTarget(graph, database, ref) ?? []);
  if (targets.length === 0) return undefined;
  const closures = new Closures(graph, database);
  let first: Omit<NeverDetour, 'more'> | undefined;
  let roles = 0;
  for (const role of subjectsOf(graph, rule.who)) {
    if (role === undefined || closures.isSuperuser(role)) continue;
    for (const target of targets) {
      const detour = detourOf(effective(closures, role, target, 'SELECT').routes);
      if (detour === undefined) continue;
      first ??= { rule, database, role, object: refText(target.ref), how: routeText(detour, 'SELECT') };
      roles += 1;
      break;
    }
  }
  return first === undefined ? undefined : { ...first, more: roles - 1 };
}

/** The view that is the only way; undefined where the rule is broken anyway. */
function detourOf(routes: readonly Route[]): Route | undefined {
  if (routes.some(({ kind }) => kind === 'now' || kind === 'set-role')) return undefined;
  return routes.find(({ kind }) => kind === 'view');
}

/** The objects of the rule that a view reads, each once. */
function readThroughViews(on: NeverObject, inside: AccessDatabase | undefined): readonly ObjectRef[] {
  const found = new Map<string, ObjectRef>();
  for (const { schema, name, columns, isWhole } of (inside?.views ?? []).flatMap(({ reads }) => reads)) {
    // Some columns of a table that nobody may read are what such a view is for.
    if (on.kind === 'table' && isWhole !== true) continue;
    if (!matchesAny(schema, [on.schema ?? '*']) || !matchesAny(name, [on.name])) continue;
    const wanted = on.kind === 'column' ? columns.filter((column) => matchesAny(column, [on.column ?? '*'])) : [undefined];
    for (const column of wanted) found.set(JSON.stringify([schema, name, column]), { kind: 'table', schema, name, column });
  }
  return [...found.values()];
}
