import type { History } from './data.ts';
import { listsOf, type Lists } from './sparse.ts';

/** A longer silence ends a session, as in core.sessions and reco.setting. */
const GAP_MS = 30 * 60_000;

/** Numbers of the listens of each session: a new one begins when more than half an hour lies between end and next start. */
export function sessionsOf(history: History): Lists {
  const sessions: number[][] = [];
  let current: number[] = [];
  for (let at = 0; at < history.songOf.length; at += 1) {
    const begunAtMs = (history.endedAtMs[at] ?? 0) - (history.msPlayed[at] ?? 0);
    const isNext =
      at > 0 && history.listenerOf[at] === history.listenerOf[at - 1] && begunAtMs - (history.endedAtMs[at - 1] ?? 0) <= GAP_MS;
    if (!isNext) sessions.push((current = []));
    current.push(at);
  }
  return listsOf(sessions);
}
