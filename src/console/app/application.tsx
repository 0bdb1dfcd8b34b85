import { useEffect, useState } from 'preact/hooks';
import { forgetAnswers } from './answer.ts';
import { ask, failureOf, type Failure, type Session } from './api.ts';
import { Failed, Loading } from './parts/states.tsx';
import { onSessionOver, setAway } from './presence.ts';
import { screenAt, usePath } from './router.ts';
import { SignIn } from './screens/sign-in.tsx';
import { Shell } from './shell.tsx';

type Door =
  | { readonly kind: 'looking' }
  | { readonly kind: 'failed'; readonly failure: Failure }
  | { readonly kind: 'outside'; readonly why: string | undefined }
  | { readonly kind: 'inside'; readonly session: Session }
  /** The session ended by itself: the page waits as it is, unseen, for the same user to go on. */
  | { readonly kind: 'away'; readonly session: Session };

const OVER = 'Your session has ended. Sign in again to go on.';
/** As long as a review is good; whoever stays away longer finds the screen, but not what was typed there. */
const WAITS_MS = 15 * 60_000;

/** The whole page: the door, and behind it the frame with one screen. */
export function Application() {
  const [door, setDoor] = useState<Door>({ kind: 'looking' });
  const path = usePath();
  const enter = (session: Session): void => {
    // Another user shall see nothing of what the one before looked at.
    if (door.kind !== 'away' || whoIn(door.session) !== whoIn(session)) forgetAnswers();
    setDoor({ kind: 'inside', session });
  };
  const leave = (why?: string): void => {
    forgetAnswers();
    setDoor({ kind: 'outside', why });
  };
  const look = async (): Promise<void> => {
    try {
      enter(await ask<Session>('/api/session'));
    } catch (error) {
      const failure = failureOf(error);
      setDoor(failure.code === 'sign-in-needed' ? { kind: 'outside', why: undefined } : { kind: 'failed', failure });
    }
  };
  const over = (): void => setDoor((before) => (before.kind === 'inside' ? { kind: 'away', session: before.session } : before));
  useEffect(() => void look(), []);
  useEffect(() => onSessionOver(over), []);
  useEffect(() => {
    setAway(door.kind === 'away');
    if (door.kind !== 'away') return undefined;
    const timer = setTimeout(() => leave(OVER), WAITS_MS);
    // Whoever signs in again on another page of this browser is signed in here, too.
    const seen = (): void => void ask<Session>('/api/session').then(enter, () => undefined);
    addEventListener('focus', seen);
    return () => {
      clearTimeout(timer);
      removeEventListener('focus', seen);
    };
  }, [door]);
  switch (door.kind) {
    case 'looking':
      return <Loading what="the console" />;
    case 'failed':
      return (
        <main class="alone">
          <Failed failure={door.failure} again={() => void look()} />
        </main>
      );
    case 'outside':
      return <SignIn why={door.why} onSignedIn={enter} />;
    case 'inside':
    case 'away': {
      const { session } = door;
      const isAway = door.kind === 'away';
      const { Screen, title } = screenAt(path);
      return (
        <>
          {isAway ? <SignIn why={OVER} onSignedIn={enter} /> : null}
          <div key={whoIn(session)} hidden={isAway}>
            <Shell session={session} path={path} title={title} isAway={isAway} onLeft={() => leave()} onOver={over}>
              <Screen session={session} />
            </Shell>
          </div>
        </>
      );
    }
  }
}

function whoIn({ user, role }: Session): string {
  return `${role} ${user}`;
}
