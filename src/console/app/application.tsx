import { useEffect, useState } from 'preact/hooks';
import { forgetAnswers } from './answer.ts';
import { ask, failureOf, type Failure, type Session } from './api.ts';
import { Failed, Loading } from './parts/states.tsx';
import { screenAt, usePath } from './router.ts';
import { SignIn } from './screens/sign-in.tsx';
import { Shell } from './shell.tsx';

type Door =
  | { readonly kind: 'looking' }
  | { readonly kind: 'failed'; readonly failure: Failure }
  | { readonly kind: 'outside'; readonly why: string | undefined }
  | { readonly kind: 'inside'; readonly session: Session };

/** The whole page: the door, and behind it the frame with one screen. */
export function Application() {
  const [door, setDoor] = useState<Door>({ kind: 'looking' });
  const path = usePath();
  const look = async (): Promise<void> => {
    try {
      setDoor({ kind: 'inside', session: await ask<Session>('/api/session') });
    } catch (error) {
      const failure = failureOf(error);
      setDoor(failure.code === 'sign-in-needed' ? { kind: 'outside', why: undefined } : { kind: 'failed', failure });
    }
  };
  useEffect(() => void look(), []);
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
      return <SignIn why={door.why} onSignedIn={(session) => setDoor({ kind: 'inside', session })} />;
    case 'inside': {
      const leave = (why?: string): void => {
        forgetAnswers();
        setDoor({ kind: 'outside', why });
      };
      const { Screen, title } = screenAt(path);
      return (
        <Shell session={door.session} path={path} title={title} onLeft={leave}>
          <Screen session={door.session} />
        </Shell>
      );
    }
  }
}
