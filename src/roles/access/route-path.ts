import type { Step } from './closure.ts';
import type { AccessGraph, AccessPrivilege, ObjectRef } from './graph.ts';
import type { Way } from './paths.ts';
import type { Route } from './routes.ts';
import { refText, shownName } from './target.ts';

/** One step of a route: from a role, a view or a routine to the next one, and at last to the object. */
export type Hop =
  | {
      readonly by: 'inherit' | 'set-role';
      readonly from: string;
      readonly to: string;
      /** The options of the membership, of all its grantors together. */
      readonly inherit: boolean;
      readonly set: boolean;
      readonly admin: boolean;
      readonly grantors: readonly string[];
    }
  | { readonly by: 'database-owner' | 'admin'; readonly from: string; readonly to: string }
  /** PUBLIC has it: everybody does. */
  | { readonly by: 'public'; readonly from: string; readonly to: string }
  | {
      readonly by: 'grant';
      readonly from: string;
      readonly to: string;
      readonly privilege: AccessPrivilege;
      /** Undefined: on the whole object. */
      readonly column: string | undefined;
      readonly grantor: string;
      readonly grantable: boolean;
    }
  | { readonly by: 'owner' | 'superuser' | 'predefined'; readonly from: string; readonly to: string }
  /** Reads, or acts, as its owner. */
  | { readonly by: 'view' | 'routine'; readonly from: string; readonly to: string };

/** A route step by step, as {@link routeText} has it in one line. */
export function routePath(graph: AccessGraph, role: string, route: Route, ref: ObjectRef, privilege: AccessPrivilege): readonly Hop[] {
  const to = refText(ref);
  switch (route.kind) {
    case 'now':
      return wayHops(graph, role, route.way, to, privilege);
    case 'set-role':
      return [...stepHops(graph, role, route.steps), ...wayHops(graph, route.role, route.way, to, privilege)];
    case 'admin':
      return [{ by: 'admin', from: role, to: route.role }, ...wayHops(graph, route.role, route.way, to, privilege)];
    case 'view': {
      const { schema, name, owner } = route.view;
      const view: ObjectRef = { kind: 'table', schema, name, column: undefined };
      const through = `view ${shownName(schema)}.${shownName(name)}`;
      const access = routePath(graph, role, route.access, view, 'SELECT').map((hop) =>
        hop.to === refText(view) ? { ...hop, to: through } : hop,
      );
      return [...access, { by: 'view', from: through, to: owner }, ...wayHops(graph, owner, route.way, to, privilege)];
    }
    case 'routine': {
      const { schema, name, owner } = route.routine;
      const routine: ObjectRef = { kind: 'routine', schema, name, column: undefined };
      return [
        ...routePath(graph, role, route.access, routine, 'EXECUTE'),
        { by: 'routine', from: refText(routine), to: owner },
        ...wayHops(graph, owner, route.way, to, privilege),
      ];
    }
    default:
      return [];
  }
}

function stepHops(graph: AccessGraph, start: string, steps: readonly Step[]): readonly Hop[] {
  return steps.map(({ role, by }, index): Hop => {
    const from = steps[index - 1]?.role ?? start;
    const edges = graph.memberships.filter((edge) => edge.member === from && edge.role === role);
    // A superuser may become a role that it is no member of.
    if (by === 'database-owner' || edges.length === 0) return { by: by === 'database-owner' ? by : 'superuser', from, to: role };
    return {
      by,
      from,
      to: role,
      inherit: edges.some(({ inherit }) => inherit),
      set: edges.some(({ set }) => set),
      admin: edges.some(({ admin }) => admin),
      grantors: edges.map(({ grantor }) => grantor),
    };
  });
}

function wayHops(graph: AccessGraph, start: string, { steps, ground }: Way, to: string, privilege: AccessPrivilege): readonly Hop[] {
  const hops = stepHops(graph, start, steps);
  const last = steps.at(-1)?.role ?? start;
  switch (ground.kind) {
    case 'superuser':
    case 'owner':
    case 'predefined':
      return [...hops, { by: ground.kind, from: last, to }];
    case 'entry': {
      if (ground.isOwner) return [...hops, { by: 'owner', from: last, to }];
      const isPublic = ground.grantee.kind === 'public';
      const { column, grantor, grantable } = ground;
      return [
        ...hops,
        ...(isPublic ? [{ by: 'public', from: last, to: 'PUBLIC' } as const] : []),
        { by: 'grant', from: isPublic ? 'PUBLIC' : last, to, privilege, column, grantor, grantable },
      ];
    }
    default:
      return hops;
  }
}
