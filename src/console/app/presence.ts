import { useEffect, useState } from 'preact/hooks';

/**
 * Whether whoever opened this page is still signed in. A session that ended by itself closes the door and leaves the page as it
 * is behind it, with what was typed; whoever signs in again goes on from there.
 */

const OVER = 'dbadmin:session-over';
const BACK = 'dbadmin:session-back';
let away = false;

/** To be called when a request was refused because nobody is signed in. */
export function tellSessionOver(): void {
  dispatchEvent(new Event(OVER));
}

/** Calls `then` each time that a request was refused for that; gives what ends it. */
export function onSessionOver(then: () => void): () => void {
  addEventListener(OVER, then);
  return () => removeEventListener(OVER, then);
}

/** While somebody is away nothing is asked by itself; when they are back all questions and streams begin anew. */
export function setAway(isAwayNow: boolean): void {
  const wasAway = away;
  away = isAwayNow;
  if (wasAway && !away) dispatchEvent(new Event(BACK));
}

export function isAway(): boolean {
  return away;
}

/** How often somebody has come back to this page: what depends on it is begun anew then. */
export function useReturns(): number {
  const [returns, setReturns] = useState(0);
  useEffect(() => {
    const onBack = (): void => setReturns((before) => before + 1);
    addEventListener(BACK, onBack);
    return () => removeEventListener(BACK, onBack);
  }, []);
  return returns;
}
