import { aclDifference } from './acl-difference.ts';
import type { PrivilegeChange } from './change.ts';
import type { RolesDocument } from './document/document.ts';
import type { Inheritance } from './inheritance.ts';
import { privilegeChanges } from './privilege-changes.ts';
import type { ManagedScope } from './scope.ts';
import type { AclEntry, DatabaseState, GlobalObject } from './state.ts';
import { globalKey, type WantedDatabase } from './wanted-database.ts';

/** The changes to privileges on languages, foreign data wrappers and servers. */
export function planGlobals(
  document: RolesDocument,
  state: DatabaseState,
  wanted: WantedDatabase,
  scope: ManagedScope,
  inherited: Inheritance,
): readonly PrivilegeChange[] {
  return state.globals.flatMap((object) => {
    // GRANT and REVOKE both refuse a language that is not trusted.
    if (!object.canBeGranted) return [];
    const manages = (entry: AclEntry): boolean =>
      scope.grantee(entry.grantee) && (entry.grantee.kind === 'role' || managesPublic(document, object));
    const wants = wanted.onGlobals.get(globalKey(object.kind, object.name))?.list() ?? [];
    const differences = aclDifference(object, wants, manages, document.mode);
    return privilegeChanges(state.name, { kind: object.kind, name: object.name }, object.owner, differences, inherited);
  });
}

/** That everybody may write in a trusted language is built in, and what an extension brought is its own business. */
function managesPublic(document: RolesDocument, object: GlobalObject): boolean {
  if (document.public.preset === 'declared') return true;
  return object.kind !== 'language' && object.extension === undefined;
}
