import type { Change, ObjectSet } from './change.ts';
import { matchesAny } from './document/globs.ts';

/**
 * The changes that are about a role or a schema whose name one of `globs` matches: the role that is made, altered, ended or given
 * something, and the schema that it is in. What they rest on (a group that is not there yet) is not taken along.
 */
export function onlyChanges(changes: readonly Change[], globs: readonly string[]): readonly Change[] {
  return changes.filter((change) => subjectsOf(change).some((name) => matchesAny(name, globs)));
}

function subjectsOf(change: Change): readonly string[] {
  switch (change.kind) {
    case 'grant-membership':
    case 'revoke-membership':
      return [change.member];
    case 'setting':
      return change.role === undefined ? [] : [change.role];
    case 'create-schema':
    case 'own-schema':
    case 'own-objects':
      return [change.schema, change.owner];
    case 'own-database':
      return [change.owner];
    case 'privilege':
      return [...(change.grantee.kind === 'role' ? [change.grantee.name] : []), ...schemaOf(change.on)];
    case 'default':
      return [...(change.grantee.kind === 'role' ? [change.grantee.name] : []), ...(change.schema === undefined ? [] : [change.schema])];
    case 'row-security':
    case 'create-policy':
    case 'alter-policy':
    case 'drop-policy':
      return [change.schema];
    case 'create-role':
    case 'alter-role':
    case 'comment-role':
    case 'password':
    case 'retire-login':
    case 'retire-sessions':
    case 'retire-owned':
    case 'drop-role':
      return [change.role];
  }
}

function schemaOf(on: ObjectSet): readonly string[] {
  if (on.kind === 'schema') return [on.name];
  return 'schema' in on ? [on.schema] : [];
}
