import { messageOf } from '../../base/errors.ts';
import type { Config } from '../../config/config.ts';
import type { Policies } from '../../schedule/policies.ts';
import type { WorkerFacts } from '../../schedule/worker/facts.ts';
import { workerMetrics } from '../../schedule/worker/metrics.ts';
import { judgeProject } from '../../status/conditions.ts';
import type { ProjectFacts } from '../../status/facts.ts';
import { prometheusText } from '../../status/prometheus.ts';
import type { SharedAlerts } from '../../alerts/shared-apply.ts';
import { lookForAlerts, openAlerts, openSharedAlerts } from '../alerts/look.ts';
import type { CommandContext } from '../command.ts';
import { gatherStatus } from '../status/gather.ts';
import { gatherRunHistory } from './run-history.ts';

const LOOK_MS = 60_000;
/** Sizes, migrations and roles change slowly and cost more. */
const EVERYTHING_EACH = 30;
/** A job has ended: people are told soon, and several that end together are told of at once. */
const SOON_MS = 2000;

/** The policies by which a worker goes, and why those that have taken their place cannot be read. */
export interface HeldPolicies {
  readonly policies: Policies;
  readonly policiesProblem: string | undefined;
}

/**
 * A worker's look at the project: once a minute, and soon after a job has ended. It needs no control database; what can be
 * learnt without it is told without it.
 */
export class Watch {
  readonly #context: CommandContext;
  readonly #config: Config;
  #text = '';
  /** The last look at everything: what the others leave out stands until the next. */
  #earlier: ProjectFacts | undefined;
  #wake: () => void = () => undefined;
  #said: string | undefined;

  constructor(context: CommandContext, config: Config) {
    this.#context = context;
    this.#config = config;
  }

  /** Look soon. */
  wake(): void {
    this.#wake();
  }

  /** The metrics of the last look, and of the worker as it is. */
  metrics(facts: WorkerFacts): string {
    return `${this.#text}${workerMetrics(facts)}`;
  }

  /** Looks, judges and tells until the signal. `teller`: what it is called among those who tell; undefined leaves that to others. */
  async run(held: HeldPolicies, teller: string | undefined): Promise<void> {
    const { log, signal } = this.#context;
    const file = openAlerts(this.#context, this.#config);
    const store = teller === undefined ? undefined : openSharedAlerts(file, this.#config, { name: teller, makesTables: true });
    let told: string | undefined;
    for (let look = 0; !signal.aborted; look += 1) {
      try {
        await this.#look(held, look % EVERYTHING_EACH === 0, store);
        told = undefined;
      } catch (error) {
        if (told !== messageOf(error) && !isAborted(signal))
          log.warn(`the state of the project could not be looked at: ${messageOf(error)}`);
        told = messageOf(error);
      }
      await this.#pause();
    }
    await store?.release();
  }

  async #look({ policies, policiesProblem }: HeldPolicies, everything: boolean, store: SharedAlerts | undefined): Promise<void> {
    const config = this.#config;
    const history = await gatherRunHistory(config, policies.jobs);
    const facts = await gatherStatus(this.#context, {
      config,
      clusters: [...config.clusters.values()],
      policies,
      policiesProblem,
      history,
      everything,
      earlier: this.#earlier,
    });
    if (everything) this.#earlier = facts;
    const conditions = judgeProject(facts);
    this.#text = prometheusText(facts, conditions);
    if (store === undefined) return;
    const { problem, standsByFor } = await lookForAlerts(this.#context, conditions, { config, policies, store });
    this.#say(problem, standsByFor);
  }

  /** What keeps it from telling as usual, once. */
  #say(problem: string | undefined, standsByFor: string | undefined): void {
    const { log } = this.#context;
    const text = problem ?? (standsByFor === undefined ? 'what is wrong is told from here' : `what is wrong is told by ${standsByFor}`);
    if (text === this.#said) return;
    this.#said = text;
    if (problem === undefined) log.info(text);
    else log.warn(text);
  }

  async #pause(): Promise<void> {
    const { clock, signal } = this.#context;
    const woken = new AbortController();
    this.#wake = () =>
      void clock.sleep(SOON_MS, signal).then(
        () => woken.abort(),
        () => undefined,
      );
    await clock.sleep(LOOK_MS, AbortSignal.any([signal, woken.signal])).catch(() => undefined);
    this.#wake = () => undefined;
  }
}

// A function, since the compiler takes the answer of an earlier look for granted.
function isAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}
