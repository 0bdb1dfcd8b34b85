import { acting } from './acting.ts';
import { aclDifference } from './acl-difference.ts';
import type { Change } from './change.ts';
import { refuseColumnLeaks } from './column-leaks.ts';
import type { DeclaredDatabase, RolesDocument } from './document/document.ts';
import { Inheritance } from './inheritance.ts';
import { planDefaults } from './plan-defaults.ts';
import { planGlobals } from './plan-globals.ts';
import { planObjects } from './plan-objects.ts';
import { planOwners } from './plan-owners.ts';
import { privilegeChanges } from './privilege-changes.ts';
import type { Refusals } from './refusal.ts';
import type { ManagedScope } from './scope.ts';
import type { AclEntry, ClusterState, DatabaseState } from './state.ts';
import { wantedDatabase } from './wanted-database.ts';

/** The changes inside one database, and to the privileges on it. */
export function planDatabase(
  document: RolesDocument,
  declared: DeclaredDatabase,
  cluster: ClusterState,
  observed: DatabaseState,
  scope: ManagedScope,
  refusals: Refusals,
): readonly Change[] {
  const { changes: owners, database, state } = planOwners(document, declared, cluster, observed, refusals);
  const wanted = wantedDatabase(document, declared, state, cluster, refusals);
  const inherited = new Inheritance(document, cluster, scope);
  refuseColumnLeaks(document, declared, cluster, state, wanted, scope, inherited, refusals);
  const managesAny = (entry: AclEntry): boolean => scope.grantee(entry.grantee);
  const onDatabase = aclDifference(database, wanted.onDatabase.list(), managesAny, document.mode);
  const managesIn = schemaScope(document, scope, declared.name);
  const schemas: Change[] = [];
  for (const name of new Set([...state.schemas.keys(), ...wanted.onSchemas.keys()])) {
    const schema = state.schemas.get(name);
    if (schema === undefined) continue;
    const wants = wanted.onSchemas.get(name)?.list() ?? [];
    const differences = aclDifference(schema, wants, (entry) => managesIn(name, entry), document.mode);
    schemas.push(...privilegeChanges(declared.name, { kind: 'schema', name }, schema.owner, differences, inherited));
  }
  const asItself = acting(state.schemas, wanted.onSchemas, managesIn, inherited);
  return [
    ...owners,
    ...privilegeChanges(declared.name, { kind: 'database', name: declared.name }, database.owner, onDatabase, inherited),
    ...schemas,
    ...planGlobals(document, state, wanted, scope, inherited),
    ...planObjects(document, state, wanted, scope, asItself),
    ...planDefaults(document, declared, state, wanted, scope),
  ];
}

/**
 * In a schema in scope, whoever is in scope. What PUBLIC may create is taken from it in every schema; that it may look into
 * the schema named public is left, because extensions live there.
 */
function schemaScope(document: RolesDocument, scope: ManagedScope, database: string): (schema: string, entry: AclEntry) => boolean {
  return (schema, entry) => {
    const inScope = scope.schema(database, schema);
    if (!scope.grantee(entry.grantee)) return false;
    if (entry.grantee.kind === 'role' || document.public.preset === 'declared') return inScope;
    return entry.privilege === 'CREATE' || (inScope && schema !== 'public');
  };
}
