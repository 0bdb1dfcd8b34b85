import type { Clock } from '../../base/clock.ts';
import type { Log } from '../../base/log.ts';
import { canReach } from '../labels.ts';
import { receptions, type Policies, type Reception } from '../policies.ts';
import type { ReceptionFacts } from './facts.ts';
import type { Receiving } from './options.ts';
import { keepReceiving } from './reception-run.ts';

interface Kept {
  /** What it was begun with, to be compared. */
  readonly form: string;
  readonly stop: AbortController;
  readonly ended: Promise<void>;
}

export interface ReceptionsOptions {
  readonly receiving: Receiving;
  readonly labels: readonly string[];
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** The clusters whose WAL a worker keeps being received: those of the policies as they are now. */
export class Receptions {
  readonly #options: ReceptionsOptions;
  readonly #kept = new Map<string, Kept>();
  readonly #facts = new Map<string, ReceptionFacts>();
  readonly #ends = new Set<Promise<void>>();

  constructor(options: ReceptionsOptions) {
    this.#options = options;
  }

  get facts(): readonly ReceptionFacts[] {
    return [...this.#facts.values()];
  }

  /** Begins what the policies want and did not before, ends what they no longer want, and begins anew what they have otherwise. */
  follow({ policies }: Policies): void {
    const { labels, log, signal } = this.#options;
    if (signal.aborted) return;
    const wanted = new Map(
      receptions(policies.values())
        .filter((reception) => canReach(labels, reception.labels))
        .map((reception) => [reception.cluster, reception]),
    );
    for (const cluster of this.#kept.keys()) {
      if (wanted.has(cluster)) continue;
      log.info(`the WAL of ${cluster} is no longer received here: the policies do not ask for it`);
      void this.#end(cluster);
    }
    for (const reception of wanted.values()) this.#keep(reception);
  }

  /** Once all have ended, which they do with the signal. */
  async ended(): Promise<void> {
    while (this.#ends.size > 0) await Promise.all(this.#ends);
  }

  #keep(reception: Reception): void {
    const { cluster } = reception;
    const form = JSON.stringify(reception);
    if (this.#kept.get(cluster)?.form === form) return;
    const before = this.#end(cluster);
    const stop = new AbortController();
    const ended = this.#receive(reception, before, stop.signal).finally(() => this.#ends.delete(ended));
    this.#ends.add(ended);
    this.#kept.set(cluster, { form, stop, ended });
  }

  /** Tells it to end; what it gives is over when it has, and is waited for in {@link Receptions.ended} as well. */
  #end(cluster: string): Promise<void> | undefined {
    const kept = this.#kept.get(cluster);
    if (kept === undefined) return undefined;
    this.#kept.delete(cluster);
    this.#facts.delete(cluster);
    kept.stop.abort(new Error('the policies have changed'));
    return kept.ended;
  }

  /** One after the other: a cluster has one slot, and whoever reads it holds the lease. */
  async #receive(reception: Reception, before: Promise<void> | undefined, stopped: AbortSignal): Promise<void> {
    const { receiving, clock, log } = this.#options;
    await before;
    const signal = AbortSignal.any([this.#options.signal, stopped]);
    const onState = (facts: ReceptionFacts): void => {
      if (!stopped.aborted) this.#facts.set(reception.cluster, facts);
    };
    await keepReceiving(reception, { ...receiving, clock, log, signal, onState });
  }
}
