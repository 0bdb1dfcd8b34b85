import { createContext, type ComponentChildren } from 'preact';
import { useContext, useEffect, useState } from 'preact/hooks';
import { isFailure, type Failure, type StatusAnswer } from './api.ts';
import { useReturns } from './presence.ts';

/** What is known of the project now. `isStale`: the console has not been heard of for a while; what was last known still shows. */
export interface Live {
  readonly answer: StatusAnswer | undefined;
  readonly failure: Failure | undefined;
  readonly isStale: boolean;
}

const NOTHING: Live = { answer: undefined, failure: undefined, isStale: false };
const LiveContext = createContext<Live>(NOTHING);
/** Three looks that did not come. */
const STALE_MS = 20_000;
const AWAY: Failure = {
  code: 'connection-failed',
  message: 'the console does not answer',
  hint: 'See whether dbadmin console still runs.',
};

/** Keeps one stream open for all screens. */
export function LiveProvider({ onSignedOut, children }: { readonly onSignedOut: () => void; readonly children: ComponentChildren }) {
  const [live, setLive] = useState<Live>(NOTHING);
  const returns = useReturns();
  useEffect(() => {
    const events = new EventSource('/api/events');
    let heardAt = Date.now();
    events.addEventListener('status', ({ data }: MessageEvent<string>) => {
      heardAt = Date.now();
      const document = JSON.parse(data) as StatusAnswer | { readonly error: Failure };
      setLive((before) =>
        isFailure(document)
          ? { ...before, failure: document.error, isStale: before.answer !== undefined }
          : { answer: document, failure: undefined, isStale: false },
      );
    });
    const signedOut = (): void => {
      events.close();
      onSignedOut();
    };
    events.addEventListener('signed-out', signedOut);
    // The browser does not tell a stream that was refused from a console that is away: asking does.
    events.addEventListener('error', () => {
      void fetch('/api/session').then(
        (response) => void (response.status === 401 && signedOut()),
        () => setLive((before) => ({ ...before, failure: AWAY, isStale: before.answer !== undefined })),
      );
    });
    const timer = setInterval(() => {
      if (Date.now() - heardAt > STALE_MS)
        setLive((before) => (before.isStale ? before : { ...before, isStale: before.answer !== undefined }));
    }, 5000);
    return () => {
      events.close();
      clearInterval(timer);
    };
  }, [returns]);
  return <LiveContext.Provider value={live}>{children}</LiveContext.Provider>;
}

export function useLive(): Live {
  return useContext(LiveContext);
}
