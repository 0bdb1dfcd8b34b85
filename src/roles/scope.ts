import { matchesAny } from './document/globs.ts';
import type { RolesDocument } from './document/document.ts';
import type { ClusterState, Grantee } from './state.ts';

/** What a plan may touch, decided once from the file and the connection. */
export interface ManagedScope {
  /** A role whose attributes, memberships and privileges are ours to change. */
  role(name: string): boolean;
  /** A role in scope, or PUBLIC where the file speaks for it. */
  grantee(grantee: Grantee): boolean;
  database(name: string): boolean;
  schema(database: string, name: string): boolean;
}

/** Whether `name` is who dbadmin works as: the role that acts, or the one that logged in. It could lock itself out half way. */
export function isConnected(name: string, { currentRole, sessionRole }: Pick<ClusterState, 'currentRole' | 'sessionRole'>): boolean {
  return name === currentRole || name === sessionRole;
}

/** The scope of the file, less the roles that are never managed: the bootstrap superuser and who is connected. */
export function managedScope(document: RolesDocument, cluster: ClusterState): ManagedScope {
  const { scope } = document;
  const role = (name: string): boolean =>
    name !== cluster.bootstrapSuperuser &&
    !isConnected(name, cluster) &&
    matchesAny(name, scope.roles) &&
    !matchesAny(name, scope.ignoreRoles);
  return {
    role,
    grantee: (grantee) => (grantee.kind === 'public' ? document.public.preset !== 'as-is' : role(grantee.name)),
    database: (name) => scope.databases.includes(name),
    schema: (database, name) => matchesAny(name, scope.schemas.get(database) ?? []),
  };
}
