import { qualified, revokeSql } from '../audit/close.ts';
import { quoteName } from '../../postgres/quote.ts';
import { granteeKey } from '../state.ts';
import type { Step } from './closure.ts';
import type { AccessGraph, AccessPrivilege, ObjectRef } from './graph.ts';
import type { Way } from './paths.ts';
import type { Route } from './routes.ts';
import { findTarget, type Target } from './target.ts';

const FIRST_MAJOR_WITH_GRANTORS = 16;

/**
 * The SQL that ends this way, for a superuser: the entry is revoked, or the membership where there is none to revoke. Empty
 * for superusers and for the owner itself, from whom nothing can be taken that lasts.
 */
export function cutSql(graph: AccessGraph, role: string, route: Route, target: Target, privilege: AccessPrivilege): readonly string[] {
  switch (route.kind) {
    case 'now':
      return wayCut(graph, role, route.way, target, privilege);
    case 'set-role':
      return membershipCut(graph, role, route.steps[0]);
    case 'view': {
      const { schema, name } = route.view;
      return accessCut(graph, role, route.access, { kind: 'table', schema, name, column: undefined }, target, 'SELECT');
    }
    case 'routine': {
      const { schema, name } = route.routine;
      return accessCut(graph, role, route.access, { kind: 'routine', schema, name, column: undefined }, target, 'EXECUTE');
    }
    case 'admin':
      return [];
    default:
      return [];
  }
}

/** The way to a view or a routine ends the way through it. */
function accessCut(
  graph: AccessGraph,
  role: string,
  access: Route,
  ref: ObjectRef,
  { database }: Target,
  privilege: AccessPrivilege,
): readonly string[] {
  const column = access.kind === 'now' || access.kind === 'set-role' ? columnOf(access.way) : undefined;
  const target = database === undefined ? undefined : findTarget(graph, database, { ...ref, column });
  return target === undefined ? [] : cutSql(graph, role, access, target, privilege);
}

function columnOf({ ground }: Way): string | undefined {
  return ground.kind === 'entry' ? ground.column : undefined;
}

function wayCut(graph: AccessGraph, role: string, { steps, ground }: Way, target: Target, privilege: AccessPrivilege): readonly string[] {
  const object = objectSql(target.ref);
  if (ground.kind !== 'entry' || ground.isOwner || object === undefined) return membershipCut(graph, role, steps[0]);
  const acl = ground.column === undefined ? target.group.acl : (target.column?.acl ?? []);
  const entries = acl.filter(
    (entry) =>
      entry.privilege === privilege && entry.grantor === ground.grantor && granteeKey(entry.grantee) === granteeKey(ground.grantee),
  );
  return revokeSql(object, { owner: target.group.owner, acl }, entries, ground.column);
}

/** Every grantor's edge: a plain REVOKE takes one of them. */
function membershipCut(graph: AccessGraph, member: string, step: Step | undefined): readonly string[] {
  if (step === undefined) return [];
  const edges = graph.memberships.filter((edge) => edge.member === member && edge.role === step.role);
  return edges.map(({ role, grantor }) => {
    const by = graph.major >= FIRST_MAJOR_WITH_GRANTORS ? ` GRANTED BY ${quoteName(grantor)}` : '';
    return `REVOKE ${quoteName(role)} FROM ${quoteName(member)}${by}`;
  });
}

/** What follows ON; undefined for kinds whose grants are not revoked by name. */
function objectSql({ kind, schema, name }: ObjectRef): string | undefined {
  switch (kind) {
    case 'table':
    case 'sequence':
    case 'type':
      return schema === undefined ? undefined : `${kind.toUpperCase()} ${qualified(schema, name)}`;
    case 'routine':
      return schema === undefined ? undefined : `ROUTINE ${quoteName(schema)}.${name}`;
    case 'server':
      return `FOREIGN SERVER ${quoteName(name)}`;
    case 'parameter':
      return `PARAMETER ${name.split('.').map(quoteName).join('.')}`;
    case 'large object':
      return `LARGE OBJECT ${name}`;
    case 'database':
    case 'tablespace':
    case 'schema':
    case 'language':
    case 'foreign data wrapper':
      return `${kind.toUpperCase()} ${quoteName(name)}`;
    default:
      return undefined;
  }
}
