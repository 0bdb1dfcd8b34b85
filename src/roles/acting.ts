import type { PrivilegeChange } from './change.ts';
import type { Inheritance } from './inheritance.ts';
import { isRole, type AclEntry, type OwnedAcl } from './state.ts';
import type { WantSet } from './wants.ts';

/** What `actor` needs to act as itself, and not as the owner, on objects of `owner` in `schema`. */
export type Acting = (
  schema: string,
  owner: string,
  actor: string | undefined,
  action: PrivilegeChange['action'],
) => Pick<PrivilegeChange, 'lendUsage' | 'detached'>;

/**
 * A role that acts on an object must be able to look it up, and the one that granted something once may have lost its way
 * into the schema since. Or it has come by the owner's privileges: then the server takes all it does for the owner's doing.
 */
export function acting(
  schemas: ReadonlyMap<string, OwnedAcl>,
  wants: ReadonlyMap<string, WantSet>,
  manages: (schema: string, entry: AclEntry) => boolean,
  inherited: Inheritance,
): Acting {
  // Revokes come before the schema's own privileges change, grants after that.
  const needsUsage = (schema: string, actor: string, action: PrivilegeChange['action']): boolean => {
    const found = schemas.get(schema);
    if (found === undefined || found.owner === actor) return false;
    const isWay = (entry: Pick<AclEntry, 'grantee' | 'privilege'>): boolean => entry.privilege === 'USAGE' && isRole(entry.grantee, actor);
    const entry = found.acl.find((each) => isWay(each) && each.grantor === found.owner);
    if (action !== 'grant') return entry === undefined;
    const isWanted = wants.get(schema)?.list().some(isWay) ?? false;
    return !isWanted && (entry === undefined || manages(schema, entry));
  };
  return (schema, owner, actor, action) => {
    if (actor === undefined) return {};
    const detached = inherited.detachment(actor, owner);
    return { ...(needsUsage(schema, actor, action) ? { lendUsage: true } : {}), ...(detached === undefined ? {} : { detached }) };
  };
}
