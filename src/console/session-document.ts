import type { Answers } from './answers.ts';
import type { Session } from './sessions.ts';

/** What the page is told of whom it belongs to. */
export function sessionDocument({ user, role, csrf, endsAt }: Session, { project }: Answers): object {
  return { user, role, csrf, endsAt: endsAt.toISOString(), project };
}
