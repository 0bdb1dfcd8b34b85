import { alertKey, type Alert, type Alerts } from './alert.ts';
import type { AlertMessage } from './message.ts';
import type { Queued } from './outbox.ts';
import type { AlertState } from './state.ts';

/**
 * One state of two that went on by themselves: while the control database was away, whoever looked kept what was told on its
 * own machine. Of each alert the one goes on of which more was told; what both have still to send is sent once, and what one
 * of them has sent is not sent again.
 */
export function mergeStates(left: AlertState, right: AlertState): AlertState {
  const alerts: Record<string, Alert> = {};
  for (const key of new Set([...Object.keys(left.alerts), ...Object.keys(right.alerts)])) {
    const alert = further(left.alerts[key], right.alerts[key]);
    if (alert !== undefined) alerts[key] = alert;
  }
  const ofLeft = left.outbox.filter((queued) => isOpen(queued, left, right, alerts));
  const known = new Set(ofLeft.map(nameOf));
  const ofRight = right.outbox.filter((queued) => !known.has(nameOf(queued)) && isOpen(queued, right, left, alerts));
  return {
    alerts,
    outbox: [...ofLeft, ...ofRight].sort((one, other) => Date.parse(one.queuedAt) - Date.parse(other.queuedAt)),
    lookedAt:
      [left.lookedAt, right.lookedAt]
        .filter((at) => at !== null)
        .sort()
        .at(-1) ?? null,
  };
}

/** The outbox of now, after the messages of `sent` came to what is left of them; what others put in meanwhile stays. */
export function settleOutbox(now: readonly Queued[], sent: readonly Queued[], left: readonly Queued[]): readonly Queued[] {
  const were = new Set(sent.map(nameOf));
  const are = new Map(left.map((queued) => [nameOf(queued), queued]));
  return now.flatMap((queued) => {
    if (!were.has(nameOf(queued))) return [queued];
    const later = are.get(nameOf(queued));
    return later === undefined ? [] : [later];
  });
}

function further(left: Alert | undefined, right: Alert | undefined): Alert | undefined {
  if (left === undefined || right === undefined) return left ?? right;
  if (left.sequence !== right.sequence) return left.sequence > right.sequence ? left : right;
  return Date.parse(right.since) > Date.parse(left.since) ? right : left;
}

/** Whether a message of `own` still has to be sent, by what the other state knows and by what both have become. */
function isOpen(queued: Queued, own: AlertState, other: AlertState, merged: Alerts): boolean {
  const { message } = queued;
  const key = alertKey({ kind: message.kind, cluster: message.cluster ?? undefined, subject: message.subject ?? undefined });
  const isWaitingThere = other.outbox.some((each) => nameOf(each) === nameOf(queued));
  if (!isWaitingThere && hasTold(other.alerts[key], message)) return false;
  // Both saw the same trouble begin, and the other's telling of it is the one that goes on.
  const mine = own.alerts[key];
  return !(mine?.badSince === message.badSince && merged[key]?.badSince !== message.badSince);
}

/** Whether the message came about where this alert is kept, too: then it was in the outbox there, and is gone from it. */
function hasTold(alert: Alert | undefined, { badSince, id }: AlertMessage): boolean {
  return alert !== undefined && alert.badSince === badSince && alert.sequence >= Number(id.slice(id.lastIndexOf('-') + 1));
}

function nameOf({ receiver, message }: Queued): string {
  return `${message.id} ${receiver}`;
}
