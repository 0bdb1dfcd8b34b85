import { shortInstant } from './describe.ts';
import type { RolesDocument } from './document/document.ts';
import type { ClusterState } from './state.ts';

const SOON_MS = 30 * 86_400_000;
const DAY_MS = 86_400_000;

/** Sentences on memberships that end within 30 days, and on those that ended where mode `add` leaves them. */
export function membershipNotes(document: RolesDocument, cluster: ClusterState, now: Date): readonly string[] {
  const notes: string[] = [];
  for (const { name, memberOf } of document.roles.values()) {
    for (const { role, until } of memberOf) {
      if (until === undefined || !cluster.memberships.some((edge) => edge.role === role && edge.member === name)) continue;
      const leftMs = Date.parse(until) - now.getTime();
      if (leftMs <= 0) {
        if (document.mode === 'add') notes.push(`the membership of ${name} in ${role} ended ${shortInstant(until)}; mode add leaves it`);
      } else if (leftMs <= SOON_MS) {
        notes.push(
          `the membership of ${name} in ${role} ends ${shortInstant(until)}, in ${daysText(leftMs)}; the apply after that takes it away`,
        );
      }
    }
  }
  return notes;
}

function daysText(leftMs: number): string {
  const days = Math.floor(leftMs / DAY_MS);
  return days === 0 ? 'less than a day' : days === 1 ? '1 day' : `${days} days`;
}
