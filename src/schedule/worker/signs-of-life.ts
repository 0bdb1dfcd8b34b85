import { formatDuration } from '../../base/durations.ts';
import type { SignOfLife, WorkerRecord } from '../control/registry-apply.ts';

/** Clocks kept by NTP differ by milliseconds; a query takes less than this, too. */
const SKEW_MS = 10_000;

/**
 * What a worker's signs of life show that somebody should know of, each once until it has passed: a clock that is not that of
 * the control database, and another worker of the same name. Of two of one name only one is listed, and nobody can tell which
 * of them ran a job.
 */
export class SignsOfLife {
  readonly #worker: Pick<WorkerRecord, 'name' | 'host' | 'pid'>;
  #isFirst = true;
  #isSkewed = false;
  #namesake: string | undefined;

  constructor(worker: Pick<WorkerRecord, 'name' | 'host' | 'pid'>) {
    this.#worker = worker;
  }

  /** What the newest sign of life gives to warn of; `now` is this machine's clock. */
  take(sign: SignOfLife, now: Date): readonly string[] {
    const warnings = [...this.#clock(sign.at, now), ...this.#names(sign.before)];
    this.#isFirst = false;
    return warnings;
  }

  #clock(at: Date, now: Date): readonly string[] {
    const aheadMs = now.getTime() - at.getTime();
    const wasSkewed = this.#isSkewed;
    this.#isSkewed = Math.abs(aheadMs) > SKEW_MS;
    if (!this.#isSkewed || wasSkewed) return [];
    return [
      `the clock of this machine is ${formatDuration(Math.abs(aheadMs))} ${aheadMs > 0 ? 'ahead of' : 'behind'} that of the control database: jobs are begun by this one. See whether time synchronisation runs on both`,
    ];
  }

  /** Before the first sign of ours it was whoever had the name before, and may be gone. */
  #names(before: SignOfLife['before']): readonly string[] {
    const { name, host, pid } = this.#worker;
    if (this.#isFirst || before === undefined || (before.host === host && before.pid === pid)) return [];
    const namesake = `process ${before.pid} on ${before.host}`;
    if (namesake === this.#namesake) return [];
    this.#namesake = namesake;
    return [`another worker is called ${name}: ${namesake}. Give each a --name of its own, or none`];
  }
}
