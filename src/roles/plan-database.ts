import { aclDifference, changeOwner, type AclDifference } from './acl-difference.ts';
import type { Change, PrivilegeChange } from './change.ts';
import type { DeclaredDatabase, RolesDocument } from './document/document.ts';
import { planDefaults } from './plan-defaults.ts';
import { planObjects } from './plan-objects.ts';
import { sortPrivileges } from './privileges.ts';
import type { Refusals } from './refusal.ts';
import type { ManagedScope } from './scope.ts';
import { granteeKey, type AclEntry, type ClusterState, type DatabaseState, type OwnedAcl } from './state.ts';
import { wantedDatabase } from './wanted-database.ts';

/** The changes inside one database, and to the privileges on it. */
export function planDatabase(
  document: RolesDocument,
  declared: DeclaredDatabase,
  cluster: ClusterState,
  state: DatabaseState,
  scope: ManagedScope,
  refusals: Refusals,
): readonly Change[] {
  const wanted = wantedDatabase(document, declared, state, cluster.major, refusals);
  const entry = cluster.databases.get(declared.name) ?? { owner: cluster.bootstrapSuperuser, acl: [] };
  const onDatabase = aclDifference(entry.owner, entry.acl, wanted.onDatabase.list(), managesAny(scope), document.mode);
  const ownership = planOwnership(document, declared, cluster, state, refusals);
  const schemas: Change[] = [];
  for (const name of new Set([...ownership.schemas.keys(), ...wanted.onSchemas.keys()])) {
    const schema = ownership.schemas.get(name);
    if (schema === undefined) continue;
    const wants = wanted.onSchemas.get(name)?.list() ?? [];
    const differences = aclDifference(schema.owner, schema.acl, wants, managesSchema(scope, declared.name, name), document.mode);
    schemas.push(...privilegeChanges(declared.name, { kind: 'schema', name }, schema.owner, differences));
  }
  return [
    ...ownership.changes,
    ...privilegeChanges(declared.name, { kind: 'database', name: declared.name }, entry.owner, onDatabase),
    ...schemas,
    ...planObjects(document, declared.name, state, wanted, scope),
    ...planDefaults(document, declared, state, wanted, scope),
  ];
}

function managesAny(scope: ManagedScope): (entry: AclEntry) => boolean {
  return (entry) => scope.grantee(entry.grantee);
}

/**
 * In a schema in scope, whoever is in scope. What PUBLIC may create is taken from it in every schema; that it may look into
 * the schema named public is left, because extensions live there.
 */
function managesSchema(scope: ManagedScope, database: string, schema: string): (entry: AclEntry) => boolean {
  const inScope = scope.schema(database, schema);
  return (entry) => {
    if (!scope.grantee(entry.grantee)) return false;
    if (entry.grantee.kind === 'public') return entry.privilege === 'CREATE' || (inScope && schema !== 'public');
    return inScope;
  };
}

/** Schemas made and given to their owners, and all schemas as they will then be. */
function planOwnership(
  document: RolesDocument,
  declared: DeclaredDatabase,
  cluster: ClusterState,
  state: DatabaseState,
  refusals: Refusals,
): { readonly changes: readonly Change[]; readonly schemas: ReadonlyMap<string, OwnedAcl> } {
  const changes: Change[] = [];
  const schemas = new Map(state.schemas);
  const exists = (name: string): boolean => document.roles.has(name) || cluster.roles.has(name);
  for (const { name, owner, creators, at } of declared.schemas.values()) {
    const found = state.schemas.get(name);
    for (const each of new Set([...creators, ...(owner === undefined ? [] : [owner])])) {
      if (!exists(each)) refusals.add(at, `schema ${name}: role "${each}" does not exist and is not declared`);
    }
    if (found === undefined && owner === undefined)
      refusals.add(at, `schema "${name}" does not exist in database ${declared.name} and has no owner to make it for`);
    else if (found === undefined && owner !== undefined) {
      changes.push({ kind: 'create-schema', database: declared.name, schema: name, owner });
      schemas.set(name, { owner, acl: [] });
    } else if (found !== undefined && owner !== undefined && found.owner !== owner) {
      changes.push({ kind: 'own-schema', database: declared.name, schema: name, owner, was: found.owner });
      schemas.set(name, { owner, acl: changeOwner(found.acl, found.owner, owner) });
    }
  }
  return { changes, schemas };
}

/** One change per set of privileges that differ in nothing else. */
function privilegeChanges(
  database: string,
  on: PrivilegeChange['on'],
  owner: string,
  differences: readonly AclDifference[],
): readonly PrivilegeChange[] {
  const merged = new Map<string, PrivilegeChange>();
  for (const { privilege, ...rest } of differences) {
    const key = JSON.stringify([rest.action, granteeKey(rest.grantee), rest.grantable, rest.grantor, rest.depth]);
    const before = merged.get(key);
    merged.set(key, {
      kind: 'privilege',
      database,
      on,
      ...rest,
      actAs: rest.grantor === owner ? undefined : rest.grantor,
      privileges: sortPrivileges([...(before?.privileges ?? []), privilege]),
    });
  }
  return [...merged.values()];
}
