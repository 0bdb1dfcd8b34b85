import type { Queued } from './outbox.ts';
import type { AlertState } from './state.ts';

/** What became of a look where what was told is kept. */
export type Change =
  | {
      readonly kind: 'taken';
      readonly state: AlertState;
      /** Why it could not be kept, or not where it should be: people are told all the same. */
      readonly problem: string | undefined;
    }
  /** Another tells people, by the same state: nothing is told from here. */
  | { readonly kind: 'standby'; readonly state: AlertState; readonly teller: string };

/** Where what was told is kept between two looks. One call at a time. */
export interface AlertStore {
  /**
   * Takes what follows from a look and keeps it, unless it is another's to tell.
   *
   * @throws {DbadminError} `file-unreadable` when it cannot be read: without it everything would be told anew.
   */
  change(step: (before: AlertState) => AlertState, now: Date): Promise<Change>;
  /** Whether telling is still ours, so long after the last change. */
  stillTells(): boolean;
  /** Keeps what became of the messages of `sent` by now: those that are not in `left` need no more sending. Gives why it could not be kept. */
  settle(sent: readonly Queued[], left: readonly Queued[], now: Date): Promise<string | undefined>;
}
