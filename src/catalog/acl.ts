import type { Grant } from './catalog.ts';

/** One right of one grantee, as aclexplode gives it. */
export interface AclRow {
  /** Its number; 0 is PUBLIC. */
  readonly grantee: number | string;
  readonly role: string;
  readonly privilege: string;
  readonly grantable: boolean;
}

/** Rights by grantee, PUBLIC first; what several granted is one. */
export function readGrants(rows: readonly AclRow[] | null): readonly Grant[] {
  const byGrantee = new Map<string, Map<string, boolean>>();
  for (const { grantee, role, privilege, grantable } of rows ?? []) {
    const name = Number(grantee) === 0 ? 'PUBLIC' : role;
    const privileges = byGrantee.get(name) ?? new Map<string, boolean>();
    privileges.set(privilege, grantable || privileges.get(privilege) === true);
    byGrantee.set(name, privileges);
  }
  return [...byGrantee]
    .map(([grantee, privileges]) => ({
      grantee,
      privileges: [...privileges].map(([privilege, grantable]) => `${privilege}${grantable ? ' *' : ''}`).sort(),
    }))
    .sort((a, b) => order(a.grantee, b.grantee));
}

function order(a: string, b: string): number {
  if ((a === 'PUBLIC') !== (b === 'PUBLIC')) return a === 'PUBLIC' ? -1 : 1;
  return a < b ? -1 : a > b ? 1 : 0;
}
