import { granteeText, type AclEntry, type OwnedAcl } from '../state.ts';
import type { Fact } from './difference.ts';

/** The privileges on one thing. Who owns it stands apart: a grantor is named only when it is not the owner. */
export function aclFacts(what: string, { owner, acl }: OwnedAcl): readonly Fact[] {
  return acl.map((entry): Fact => ({
    section: 'privileges',
    subject: granteeText(entry.grantee),
    text: `${entry.privilege} on ${what}${grantorText(entry, owner)}`,
    value: entry.grantable ? 'with grant option' : '',
  }));
}

export function ownerFact(what: string, owner: string): Fact {
  return { section: 'owners', subject: what, text: 'owner', value: owner };
}

export function grantorText(entry: Pick<AclEntry, 'grantor'>, owner: string): string {
  return entry.grantor === owner ? '' : ` granted by ${entry.grantor}`;
}
