import { createHash } from 'node:crypto';
import type { RolesDocument } from './document/document.ts';
import { managedScope, type ManagedScope } from './scope.ts';
import { granteeKey, type DatabaseState, type Grantee, type ObservedState } from './state.ts';

/** SHA-256 in hex of each part of a state, by what people call it: `memberships`, `schemas of music`. */
export type StateDigest = Readonly<Record<string, string>>;

/**
 * Digests of what was inspected and a plan rests on: everything in the file's scope. What lies outside may change without a
 * saved plan becoming stale. Holds nothing that a password could be guessed from.
 */
export function digestState(document: RolesDocument, observed: ObservedState): StateDigest {
  const { cluster } = observed;
  const scope = managedScope(document, cluster);
  const isKnown = (role: string): boolean => scope.role(role) || document.roles.has(role) || observed.retired.has(role);
  const parts: Record<string, unknown> = {
    server: cluster.major,
    roles: [...cluster.roles.values()].filter(({ name }) => isKnown(name)).map(({ verifier: _verifier, ...role }) => role),
    memberships: cluster.memberships.filter((edge) => isKnown(edge.member) || isKnown(edge.role)),
    settings: cluster.settings.filter(
      ({ role, database }) => (role === undefined || isKnown(role)) && (database === undefined || document.databases.has(database)),
    ),
    databases: [...cluster.databases].filter(([name]) => document.databases.has(name)),
    passwords: observed.passwords,
    // Sessions come and go.
    'roles to retire': [...observed.retired.values()].map(({ sessions: _sessions, ...rest }) => rest),
  };
  for (const [name, state] of observed.databases) Object.assign(parts, databaseParts(name, state, scope));
  for (const [name, { tables }] of observed.rowSecurity) parts[`row security in ${name}`] = tables;
  return Object.fromEntries(Object.entries(parts).map(([name, value]) => [name, digestOf(value)]));
}

function databaseParts(name: string, state: DatabaseState, scope: ManagedScope): Readonly<Record<string, unknown>> {
  const inScope = ({ schema }: { readonly schema: string }): boolean => scope.schema(name, schema);
  const isOurs = (grantee: Grantee): boolean => grantee.kind === 'public' || scope.role(grantee.name);
  return {
    // What PUBLIC may create is taken from it in every schema.
    [`schemas of ${name}`]: [...state.schemas],
    [`objects of ${name}`]: state.groups.filter(inScope),
    [`columns of ${name}`]: state.columns.filter(inScope),
    [`languages and servers of ${name}`]: state.globals,
    [`default privileges in ${name}`]: state.defaults.filter(
      (each) => scope.role(each.creator) || isOurs(each.grantee) || (each.schema !== undefined && scope.schema(name, each.schema)),
    ),
  };
}

/** The digest of a value whatever the order of its maps, sets and lists. */
function digestOf(value: unknown): string {
  return createHash('sha256').update(canonicalText(value), 'utf8').digest('hex');
}

function canonicalText(value: unknown): string {
  if (value instanceof Map)
    return `{${[...value]
      .map((entry) => canonicalText(entry))
      .sort()
      .join()}}`;
  if (value instanceof Set) return canonicalText([...(value as ReadonlySet<unknown>)]);
  if (Array.isArray(value)) {
    // Lists of names are long and in order already.
    if (value.every((each) => typeof each === 'string')) return JSON.stringify(value);
    return `[${value.map(canonicalText).sort().join()}]`;
  }
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  if ('kind' in value && (value.kind === 'public' || value.kind === 'role') && Object.keys(value).length <= 2)
    return JSON.stringify(granteeKey(value as Grantee));
  const entries = Object.entries(value).filter(([, each]) => each !== undefined);
  return `{${entries
    .map(([key, each]) => `${JSON.stringify(key)}:${canonicalText(each)}`)
    .sort()
    .join()}}`;
}
