import { randomUUID } from 'node:crypto';
import { messageOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { Audit } from './guarded.ts';
import type { Sessions } from './sessions.ts';
import type { ConsoleUser } from './user.ts';

export interface SessionWatchOptions {
  readonly sessions: Sessions;
  readonly users: () => Promise<readonly ConsoleUser[]>;
  readonly audit: Audit;
  readonly log: Log;
}

/**
 * Ends the sessions of users who were removed or changed. Asked before each request; beside it streams, which ask nothing
 * while they are open, are seen to by {@link watchSessions}.
 *
 * @throws {DbadminError} as `readUsers`: with a file that cannot be read, nobody who is in it gets any further.
 */
export async function endRemovedSessions({ sessions, users, audit }: SessionWatchOptions): Promise<void> {
  if (!sessions.areByPassword) return;
  const detail = 'the user was removed or changed';
  for (const { user } of sessions.endChanged(await users()))
    await audit({ id: randomUUID(), who: user, from: 'the console', what: 'sign-out', cluster: null, outcome: 'done', detail });
}

const EACH_MS = 2000;

/** Looks for removed users until the signal. */
export function watchSessions(options: SessionWatchOptions, signal: AbortSignal): void {
  const look = async (): Promise<void> => {
    try {
      await endRemovedSessions(options);
    } catch (error) {
      options.log.debug(`console: the file of users: ${messageOf(error)}`);
    }
  };
  const timer = setInterval(() => void look(), EACH_MS);
  timer.unref();
  signal.addEventListener('abort', () => clearInterval(timer), { once: true });
}
