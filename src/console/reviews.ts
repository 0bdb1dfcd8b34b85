import { randomUUID } from 'node:crypto';
import type { Clock } from '../base/clock.ts';
import { DbadminError } from '../base/errors.ts';
import type { Action } from './action.ts';
import type { Session } from './sessions.ts';

/** What somebody was shown, and may do once. */
export interface Review {
  readonly id: string;
  readonly action: string;
  /** The words that do it. */
  readonly words: readonly string[];
  readonly cluster: string | null;
  readonly planFile: string;
  readonly expiresAt: Date;
}

interface Kept extends Review {
  readonly session: Session;
}

/** Long enough to read a plan; what is older is looked at anew. */
const VALID_MS = 15 * 60_000;
const MOST = 200;

/** The reviews that wait to be acted on. In memory, each for the session that made it, and each good for one time. */
export class Reviews {
  readonly #kept = new Map<string, Kept>();
  readonly #clock: Pick<Clock, 'now'>;
  readonly #forget: (planFile: string) => void;

  /** `forget` removes the file of a review that nobody can act on any more. */
  constructor(clock: Pick<Clock, 'now'>, forget: (planFile: string) => void) {
    this.#clock = clock;
    this.#forget = forget;
  }

  add(session: Session, action: Action['name'], review: Pick<Review, 'words' | 'cluster' | 'planFile'>): Review {
    this.#sweep();
    const expiresAt = new Date(this.#clock.now().getTime() + VALID_MS);
    const kept: Kept = { ...review, id: randomUUID(), action, expiresAt, session };
    this.#kept.set(kept.id, kept);
    return kept;
  }

  /**
   * The review of that session, which is used up by this.
   *
   * @throws {DbadminError} `refused` when it is another session's, was used, is too old, or never was.
   */
  take(session: Session, id: string): Review {
    this.#sweep();
    const kept = this.#kept.get(id);
    // Somebody else's is not told from one that never was.
    if (kept === undefined || kept.session !== session) {
      throw new DbadminError('refused', 'this was not reviewed in this session, was done already, or was reviewed too long ago', {
        hint: 'Look at what it would do once more.',
      });
    }
    this.#kept.delete(id);
    return kept;
  }

  #sweep(): void {
    const now = this.#clock.now().getTime();
    const oldest = [...this.#kept.values()].slice(0, Math.max(0, this.#kept.size - MOST + 1));
    for (const review of new Set([...oldest, ...[...this.#kept.values()].filter(({ expiresAt }) => expiresAt.getTime() <= now)])) {
      this.#kept.delete(review.id);
      this.#forget(review.planFile);
    }
  }
}
