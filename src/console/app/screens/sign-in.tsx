import { useEffect, useState } from 'preact/hooks';
import { ask, failureOf, type Failure, type Session } from '../api.ts';
import { sentence } from '../parts/states.tsx';

interface SignInProps {
  /** Why somebody who was inside is here. */
  readonly why: string | undefined;
  readonly onSignedIn: (session: Session) => void;
}

/** Name and password, or the code of the link that was printed where the console was started. */
export function SignIn({ why, onSignedIn }: SignInProps) {
  const [failure, setFailure] = useState<Failure>();
  const [isBusy, setBusy] = useState(false);
  const signIn = async (body: object): Promise<void> => {
    setBusy(true);
    setFailure(undefined);
    try {
      onSignedIn(await ask<Session>('/api/sign-in', body));
    } catch (error) {
      setFailure(failureOf(error));
    } finally {
      setBusy(false);
    }
  };
  useEffect(() => {
    document.title = 'Sign in · dbadmin';
    const code = /^#code=([\w-]+)$/.exec(location.hash)?.[1];
    if (code === undefined) return;
    // Used up in a moment; until then it shall not stay in the history.
    history.replaceState(undefined, '', location.pathname);
    void signIn({ code });
  }, []);
  const onSubmit = (event: SubmitEvent): void => {
    event.preventDefault();
    if (!(event.currentTarget instanceof HTMLFormElement)) return;
    const form = new FormData(event.currentTarget);
    void signIn({ name: form.get('name'), password: form.get('password') });
  };
  return (
    <main class="alone">
      <form class="panel sign-in" onSubmit={onSubmit} aria-labelledby="sign-in">
        <h1 id="sign-in">
          dbadmin <span>console</span>
        </h1>
        {why === undefined ? null : <p role="status">{why}</p>}
        <label class="field">
          Name
          <input name="name" type="text" autocomplete="username" autocapitalize="none" spellcheck={false} required />
        </label>
        <label class="field">
          Password
          <input name="password" type="password" autocomplete="current-password" required />
        </label>
        <div role="alert">
          {failure === undefined ? null : (
            <p>
              <span class="st bad wraps">{sentence(failure.message)}</span>
            </p>
          )}
          {failure?.hint === undefined ? null : <p class="meta">{failure.hint}</p>}
        </div>
        <button type="submit" class="btn primary" disabled={isBusy}>
          {isBusy ? 'Signing in' : 'Sign in'}
        </button>
      </form>
    </main>
  );
}
