import { NOT_EXPIRED } from '../base/exit-status.ts';
import type { Job } from './policies.ts';

/**
 * A repository of several with which an attempt that failed in another is over, so that the next leaves it alone: one more backup there
 * would take the place of an older one. `warning` and `failure`, which trying again cannot mend, are told in the end all the same.
 */
export interface DoneRepository {
  readonly repository: string;
  readonly warning?: string;
  readonly failure?: { readonly error: string; readonly exitStatus?: number };
}

/** What of an attempt is not to be done again. */
interface InPart {
  readonly done?: readonly DoneRepository[];
}

/** How one try of a job ended. */
export type AttemptOutcome =
  /** `warning`: what the job is for is done, and yet somebody has to be told: its command ended with 4. */
  | { readonly kind: 'succeeded'; readonly warning?: string }
  /** `final`: trying again cannot help. */
  | ({ readonly kind: 'failed'; readonly exitStatus: number | undefined; readonly error: string; readonly final: boolean } & InPart)
  /** Another process holds the lease of the repository: exit 11. */
  | ({ readonly kind: 'locked'; readonly error: string } & InPart)
  /** Its worker was told to stop, or could no longer prove that the run is its own. */
  | ({ readonly kind: 'interrupted'; readonly error: string } & InPart);

/** What follows an attempt. */
export type NextStep =
  | { readonly kind: 'over'; readonly state: 'succeeded' | 'failed' }
  | { readonly kind: 'again'; readonly afterMs: number; readonly isFailure: boolean };

const LOCKED_FIRST_MS = 15_000;
const LOCKED_MOST_MS = 5 * 60_000;
/** Then whatever holds the lock is itself the trouble. */
const LOCKED_GIVE_UP_MS = 24 * 3_600_000;

/**
 * Whether a job is tried again, and when. Only failures of its own use up the retries: a lease held by another passes, most
 * often because that other died a moment ago, and a worker that was stopped says nothing about the job.
 */
export function nextStep(
  outcome: AttemptOutcome,
  { retries, retryDelayMs }: Pick<Job, 'retries' | 'retryDelayMs'>,
  run: { readonly failures: number; readonly attempt: number; readonly sinceStartMs: number },
): NextStep {
  switch (outcome.kind) {
    case 'succeeded':
      return { kind: 'over', state: 'succeeded' };
    case 'interrupted':
      return { kind: 'again', afterMs: 0, isFailure: false };
    case 'locked':
      if (run.sinceStartMs >= LOCKED_GIVE_UP_MS) return { kind: 'over', state: 'failed' };
      return { kind: 'again', afterMs: Math.min(LOCKED_MOST_MS, LOCKED_FIRST_MS * 2 ** Math.min(10, run.attempt - 1)), isFailure: false };
    case 'failed':
      if (outcome.final || run.failures >= retries) return { kind: 'over', state: 'failed' };
      return { kind: 'again', afterMs: retryDelayMs, isFailure: true };
    default:
      return outcome satisfies never;
  }
}

/** What the next attempt need not do again. */
export function doneBy(outcome: AttemptOutcome): readonly DoneRepository[] {
  return outcome.kind === 'succeeded' ? [] : (outcome.done ?? []);
}

/** The exit status that is written down; undefined where no process ended with one. */
export function exitStatusOf(outcome: AttemptOutcome): number | undefined {
  if (outcome.kind === 'succeeded') return outcome.warning === undefined ? 0 : NOT_EXPIRED;
  return outcome.kind === 'failed' ? outcome.exitStatus : undefined;
}

/** What people are told of it: why it did not succeed, or the warning; undefined where there is nothing to tell. */
export function messageOfOutcome(outcome: AttemptOutcome): string | undefined {
  return outcome.kind === 'succeeded' ? outcome.warning : outcome.error;
}
