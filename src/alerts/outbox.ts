import type { AlertMessage } from './message.ts';

/** A message on its way to one receiver. Receivers are known by a name that tells nothing of their address. */
export interface Queued {
  readonly receiver: string;
  readonly message: AlertMessage;
  readonly queuedAt: string;
  readonly attempts: number;
  /** Not before. */
  readonly nextAt: string;
  /** What the last attempt said; null before the first. */
  readonly failure: string | null;
}

/** How one attempt to deliver went. */
export type Delivery =
  | { readonly kind: 'delivered' }
  /** Worth trying again: the network, the receiver or its address may be mended. `afterMs`: as long as the receiver asked to wait. */
  | { readonly kind: 'delayed'; readonly why: string; readonly afterMs?: number | undefined }
  /** The receiver takes everything but this message. */
  | { readonly kind: 'refused'; readonly why: string };

const FIRST_RETRY_MS = 5000;
const MOST_RETRY_MS = 15 * 60_000;
/** Whoever has been out of reach for a week learns of what is wrong then from `alerts list`. */
const GIVE_UP_MS = 7 * 86_400_000;
/** A receiver that is never there must not fill a disk. */
const MOST_QUEUED = 1000;

/** Puts messages behind those that wait. The oldest give way when there are too many. */
export function enqueue(
  outbox: readonly Queued[],
  messages: readonly { readonly receiver: string; readonly message: AlertMessage }[],
  now: Date,
): readonly Queued[] {
  const at = now.toISOString();
  const added = messages.map(({ receiver, message }): Queued => ({
    receiver,
    message,
    queuedAt: at,
    attempts: 0,
    nextAt: at,
    failure: null,
  }));
  return [...outbox, ...added].slice(-MOST_QUEUED);
}

/** The first message of each receiver, where it is due: what came later waits behind it, so that nobody hears of an end before the beginning. */
export function dueNow(outbox: readonly Queued[], now: Date): readonly Queued[] {
  const heads = new Map<string, Queued>();
  for (const queued of outbox) if (!heads.has(queued.receiver)) heads.set(queued.receiver, queued);
  return [...heads.values()].filter(({ nextAt }) => Date.parse(nextAt) <= now.getTime());
}

/** The outbox after an attempt on `queued`: shorter by it, or with its next time, twice as far away each time. */
export function settle(outbox: readonly Queued[], queued: Queued, delivery: Delivery, now: Date): readonly Queued[] {
  if (delivery.kind !== 'delayed') return outbox.filter((each) => each !== queued);
  if (now.getTime() - Date.parse(queued.queuedAt) >= GIVE_UP_MS) return outbox.filter((each) => each !== queued);
  const backoffMs = Math.min(MOST_RETRY_MS, FIRST_RETRY_MS * 2 ** queued.attempts);
  const waitMs = Math.max(backoffMs, Math.min(delivery.afterMs ?? 0, MOST_RETRY_MS * 4));
  const later = { ...queued, attempts: queued.attempts + 1, nextAt: new Date(now.getTime() + waitMs).toISOString(), failure: delivery.why };
  return outbox.map((each) => (each === queued ? later : each));
}
