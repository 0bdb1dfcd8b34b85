import type { AclDifference } from './acl-difference.ts';
import type { PrivilegeChange } from './change.ts';
import type { Inheritance } from './inheritance.ts';
import { sortPrivileges } from './privileges.ts';
import { granteeKey } from './state.ts';

/** One change per set of privileges on `on` that differ in nothing else. */
export function privilegeChanges(
  database: string | undefined,
  on: PrivilegeChange['on'],
  owner: string,
  differences: readonly AclDifference[],
  inherited: Inheritance,
): readonly PrivilegeChange[] {
  const merged = new Map<string, PrivilegeChange>();
  for (const { privilege, ...rest } of differences) {
    const key = JSON.stringify([rest.action, granteeKey(rest.grantee), rest.grantable, rest.grantor, rest.depth]);
    const before = merged.get(key);
    const actAs = rest.grantor === owner ? undefined : rest.grantor;
    const detached = actAs === undefined ? undefined : inherited.detachment(actAs, owner);
    merged.set(key, {
      kind: 'privilege',
      database,
      on,
      ...rest,
      actAs,
      privileges: sortPrivileges([...(before?.privileges ?? []), privilege]),
      ...(detached === undefined ? {} : { detached }),
    });
  }
  return [...merged.values()];
}
