import type { Clock } from '../base/clock.ts';
import type { Condition } from '../base/condition.ts';
import type { Log } from '../base/log.ts';
import type { AlertEvent } from './alert.ts';
import { sendMail } from './mail-run.ts';
import { messageOfEvent, type AlertMessage } from './message.ts';
import { dueNow, enqueue, settle, type Delivery, type Queued } from './outbox.ts';
import { receiversOf, type Receiver } from './receivers.ts';
import type { AlertState } from './state.ts';
import { stepAlerts } from './step.ts';
import type { AlertStore } from './store.ts';
import { postWebhook } from './webhook-run.ts';

export interface AlertOptions {
  /** Where what was told is kept. */
  readonly store: AlertStore;
  readonly receivers: readonly Receiver[];
  /** What messages call the project. */
  readonly project: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** What came of a look. */
export interface AlertRun {
  readonly events: readonly AlertEvent[];
  readonly delivered: readonly Queued[];
  readonly refused: readonly Queued[];
  /** What is still on its way, all of it. */
  readonly waiting: readonly Queued[];
  readonly state: AlertState;
  /** Why the state could not be kept, or not where it should be. */
  readonly problem: string | undefined;
  /** Who tells, where it is another: then nothing was told from here. */
  readonly standsByFor: string | undefined;
}

/**
 * One look: takes what is observed, tells those who want to know what has changed, and tries again what could not be
 * delivered before. What is to be told is written down before it is sent, so that a crash in between sends it twice, with the
 * same id, rather than never.
 *
 * Call it again and again, by a timer or in a worker; one call at a time for one store.
 *
 * @throws {DbadminError} `file-unreadable` when the state cannot be read: without it everything would be told anew.
 */
export async function runAlerts(conditions: readonly Condition[], options: AlertOptions): Promise<AlertRun> {
  const { store, receivers, project, clock } = options;
  const now = clock.now();
  const known = new Set(receivers.map(({ name }) => name));
  let events: readonly AlertEvent[] = [];
  const change = await store.change((before) => {
    const step = stepAlerts(before.alerts, conditions, now);
    ({ events } = step);
    const messages = events.flatMap((event) => {
      const message = messageOfEvent(event, project);
      return receiversOf(event, receivers).map((receiver) => ({ receiver, message }));
    });
    const kept = before.outbox.filter(({ receiver }) => known.has(receiver));
    return { alerts: step.alerts, outbox: enqueue(kept, messages, now), lookedAt: now.toISOString() };
  }, now);
  const { state } = change;
  if (change.kind === 'standby') {
    const nothing = { events: [], delivered: [], refused: [] } as const;
    return { ...nothing, waiting: state.outbox, state, problem: undefined, standsByFor: change.teller };
  }
  const sent = await deliver(state.outbox, options);
  const problem = sent.outbox === state.outbox ? change.problem : await store.settle(state.outbox, sent.outbox, clock.now());
  const { outbox, delivered, refused } = sent;
  return { events, delivered, refused, waiting: outbox, state: { ...state, outbox }, problem, standsByFor: undefined };
}

interface Sent {
  readonly outbox: readonly Queued[];
  readonly delivered: readonly Queued[];
  readonly refused: readonly Queued[];
}

/** Sends what is due, to all receivers at once and to each in order. */
async function deliver(first: readonly Queued[], options: AlertOptions): Promise<Sent> {
  const { store, receivers, clock, log, signal } = options;
  const channels = new Map(receivers.map(({ name, channel }) => [name, channel]));
  let outbox = first;
  const delivered: Queued[] = [];
  const refused: Queued[] = [];
  for (;;) {
    const due = dueNow(outbox, clock.now());
    if (due.length === 0 || !store.stillTells()) return { outbox, delivered, refused };
    const attempts = await Promise.all(
      due.map(async (queued) => ({ queued, delivery: await send(channels.get(queued.receiver), queued.message, clock.now(), signal) })),
    );
    for (const { queued, delivery } of attempts) {
      outbox = settle(outbox, queued, delivery, clock.now());
      if (delivery.kind === 'delivered') delivered.push(queued);
      if (delivery.kind === 'refused') refused.push({ ...queued, failure: delivery.why });
      if (delivery.kind !== 'delivered') log.warn(`${queued.receiver} was not told of ${queued.message.kind}: ${delivery.why}`);
    }
  }
}

/** Never throws for what a receiver, its address or its secrets are wrong about: the others are told all the same. */
export async function send(
  channel: Receiver['channel'] | undefined,
  message: AlertMessage,
  now: Date,
  signal: AbortSignal,
): Promise<Delivery> {
  if (channel === undefined) return { kind: 'refused', why: 'it is not configured any more' };
  return channel.kind === 'webhook' ? await postWebhook(channel, message, now, signal) : await sendMail(channel, message, signal);
}
