import { createHash } from 'node:crypto';
import type { Clock } from '../base/clock.ts';
import type { ConsoleRole, ConsoleUser } from './user.ts';

/** How somebody got in. `mark` is {@link entryMark} of their entry at that moment. */
export type SessionOrigin =
  | { readonly kind: 'password'; readonly mark: string }
  | { readonly kind: 'provider' }
  | { readonly kind: 'link' };

/** Somebody signed in. */
export interface Session {
  readonly user: string;
  readonly role: ConsoleRole;
  readonly by: SessionOrigin;
  /** What a request that changes something has to bring in the header `x-csrf-token`. */
  readonly csrf: string;
  /** When it ends whatever is done. */
  readonly endsAt: Date;
}

/** Where somebody signed in: the address that the request came from, and what their browser says it is. */
export interface SessionPlace {
  readonly from: string;
  readonly device: string;
}

/** A session as whoever it belongs to sees it. `id` names it and lets nobody in. */
export interface OwnSession extends SessionPlace {
  readonly id: string;
  /** How it was begun. */
  readonly by: SessionOrigin['kind'];
  readonly beganAt: Date;
  /** When a person last did something in it. */
  readonly usedAt: Date;
  readonly endsAt: Date;
  readonly isThis: boolean;
}

interface Kept extends Session {
  readonly place: SessionPlace;
  readonly beganAt: number;
  usedAt: number;
}

const NOWHERE: SessionPlace = { from: '?', device: '?' };

/** After so long without a request. */
const IDLE_MS = 30 * 60_000;
const LONGEST_MS = 12 * 3_600_000;
const TOKEN_BYTES = 32;
/** More than a team has; somebody who makes them by the thousand loses the oldest. */
const MOST = 1000;

export interface SessionLimits {
  readonly idleMs: number;
  readonly longestMs: number;
}

/**
 * Who is signed in. In memory: a console that starts anew knows nobody, and no file holds what would let somebody in.
 * Kept by the digest of the token, so that neither a look at the memory nor the time of a comparison gives it away.
 */
export class Sessions {
  readonly #kept = new Map<string, Kept>();
  readonly #clock: Pick<Clock, 'now'>;
  readonly #random: (bytes: number) => Buffer;
  readonly #limits: SessionLimits;

  constructor(
    clock: Pick<Clock, 'now'>,
    random: (bytes: number) => Buffer,
    limits: SessionLimits = { idleMs: IDLE_MS, longestMs: LONGEST_MS },
  ) {
    this.#clock = clock;
    this.#random = random;
    this.#limits = limits;
  }

  /** Signs somebody in; `token` is what their browser keeps. */
  begin(
    user: string,
    role: ConsoleRole,
    by: SessionOrigin,
    place: SessionPlace = NOWHERE,
  ): { readonly token: string; readonly session: Session } {
    this.#sweep();
    for (const key of [...this.#kept.keys()].slice(0, Math.max(0, this.#kept.size - MOST + 1))) this.#kept.delete(key);
    const now = this.#clock.now().getTime();
    const token = this.#random(TOKEN_BYTES).toString('base64url');
    const session: Kept = {
      user,
      role,
      by,
      csrf: this.#random(TOKEN_BYTES).toString('base64url'),
      endsAt: new Date(now + this.#limits.longestMs),
      place,
      beganAt: now,
      usedAt: now,
    };
    this.#kept.set(digest(token), session);
    return { token, session };
  }

  /** The session of a token, unless it has ended. `touch`: it was used by a person, which keeps it from idling. */
  find(token: string | undefined, touch = true): Session | undefined {
    if (token === undefined || token === '') return undefined;
    const key = digest(token);
    const session = this.#kept.get(key);
    if (session === undefined) return undefined;
    const now = this.#clock.now().getTime();
    if (this.#isOver(session, now)) {
      this.#kept.delete(key);
      return undefined;
    }
    if (touch) session.usedAt = now;
    return session;
  }

  /** The sessions of whoever has this token, the newest first: of the same name by the same door. */
  ownOf(token: string): readonly OwnSession[] {
    this.#sweep();
    const key = digest(token);
    return [...this.#kept]
      .filter(([, session]) => this.#isOfOwner(key, session))
      .map(([each, { place, by, beganAt, usedAt, endsAt }]) => ({
        ...place,
        id: idOf(each),
        by: by.kind,
        beganAt: new Date(beganAt),
        usedAt: new Date(usedAt),
        endsAt,
        isThis: each === key,
      }))
      .toSorted((left, right) => right.beganAt.getTime() - left.beganAt.getTime());
  }

  /** Ends one of {@link ownOf}. */
  endOwn(token: string, id: string): void {
    const own = digest(token);
    for (const [key, session] of this.#kept) if (idOf(key) === id && this.#isOfOwner(own, session)) this.#kept.delete(key);
  }

  #isOfOwner(key: string, { user, by }: Kept): boolean {
    const owner = this.#kept.get(key);
    return owner !== undefined && owner.user === user && owner.by.kind === by.kind;
  }

  end(token: string): void {
    this.#kept.delete(digest(token));
  }

  /** Whether anybody is signed in by a password, so that the file of users bears on it. */
  get areByPassword(): boolean {
    return this.#kept.values().some(({ by }) => by.kind === 'password');
  }

  /** Ends the sessions of those who are not among the users any more, or as something else, or with another password. */
  endChanged(users: readonly ConsoleUser[]): readonly Session[] {
    const marks = new Map(users.map((user) => [user.name, entryMark(user)]));
    const over = [...this.#kept].filter(([, { user, by }]) => by.kind === 'password' && by.mark !== marks.get(user));
    for (const [key] of over) this.#kept.delete(key);
    return over.map(([, session]) => session);
  }

  #isOver({ usedAt, endsAt }: Kept, now: number): boolean {
    return now >= endsAt.getTime() || now - usedAt >= this.#limits.idleMs;
  }

  #sweep(): void {
    const now = this.#clock.now().getTime();
    for (const [key, session] of this.#kept) if (this.#isOver(session, now)) this.#kept.delete(key);
  }
}

/** Differs when anything about the user does. */
export function entryMark({ name, role, password }: ConsoleUser): string {
  return digest(JSON.stringify([name, role, password]));
}

/** Another digest of what it is kept by: who knows it cannot find the session by it. */
function idOf(key: string): string {
  return digest(key).slice(0, 16);
}

function digest(token: string): string {
  return createHash('sha256').update(token).digest('base64url');
}
