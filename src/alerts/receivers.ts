import type { AlertEvent } from './alert.ts';
import type { MailReceiver } from './mail-run.ts';
import type { WebhookReceiver } from './webhook-run.ts';

/** Somebody who is told, and of what. */
export interface Receiver {
  /** `webhook-1a2b3c4d`, `email dba@example.org`: the same for the same address, and says nothing of an address that is secret. */
  readonly name: string;
  /** The policy that names it, with its cluster; undefined for one that is told of everything. */
  readonly policy: string | undefined;
  readonly cluster: string | undefined;
  readonly on: readonly ('failed' | 'late' | 'recovered')[];
  readonly channel: WebhookReceiver | MailReceiver;
}

/**
 * The names of those who are told of an event, each once. What is about a policy goes to its receivers, what is about a
 * cluster to those of all its policies, and what is about neither to everybody. That something is over is told to those who
 * want to know and were told that it began.
 */
export function receiversOf({ event, alert }: Pick<AlertEvent, 'event' | 'alert'>, receivers: readonly Receiver[]): readonly string[] {
  const concerned = receivers.filter(({ policy, cluster }) => {
    if (policy === undefined) return true;
    if (alert.policy !== null) return alert.policy === policy;
    return alert.cluster === null || alert.cluster === cluster;
  });
  const wanting = concerned.filter(({ on }) => on.includes(alert.severity) && (event === 'raised' || on.includes('recovered')));
  return [...new Set(wanting.map(({ name }) => name))];
}
