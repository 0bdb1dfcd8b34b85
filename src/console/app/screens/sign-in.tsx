import { useEffect, useState } from 'preact/hooks';
import { ask, failureOf, type Doors, type Failure, type Session } from '../api.ts';
import { sentence } from '../parts/states.tsx';

interface SignInProps {
  /** Why somebody who was inside is here. */
  readonly why: string | undefined;
  readonly onSignedIn: (session: Session) => void;
}

/** The ways in: by a provider, by name and password, or by the code of the link that was printed where the console was started. */
export function SignIn({ why, onSignedIn }: SignInProps) {
  const [doors, setDoors] = useState<Doors>();
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
    void ask<Doors>('/api/doors').then(
      (found) => {
        setDoors(found);
        if (found.failure !== null && code === undefined) setFailure(found.failure);
      },
      (error: unknown) => setFailure(failureOf(error)),
    );
    if (code === undefined) return;
    // Used up in a moment; until then it shall not stay in the history.
    history.replaceState(undefined, '', location.pathname);
    void signIn({ code });
  }, []);
  return (
    <main class="alone">
      <section class="panel sign-in" aria-labelledby="sign-in">
        <h1 id="sign-in">
          dbadmin <span>console</span>
        </h1>
        {why === undefined ? null : <p role="status">{why}</p>}
        <div role="alert">{failure === undefined ? null : <Refused failure={failure} />}</div>
        {doors === undefined ? null : (
          <>
            {doors.provider === null ? null : <ByProvider provider={doors.provider} />}
            {doors.provider !== null && doors.hasUsers ? <p class="or">or with a name of this console</p> : null}
            {doors.hasUsers ? <ByPassword isOnly={doors.provider === null} isBusy={isBusy} onSignIn={(body) => void signIn(body)} /> : null}
            {doors.hasLink && !doors.hasUsers ? <ByLink isOnly={doors.provider === null} /> : null}
          </>
        )}
      </section>
    </main>
  );
}

function ByProvider({ provider: { label, beginsAt } }: { readonly provider: NonNullable<Doors['provider']> }) {
  const [isLeaving, setLeaving] = useState(false);
  const leave = (): void => {
    setLeaving(true);
    location.assign(`${beginsAt}?to=${encodeURIComponent(location.pathname + location.search)}`);
  };
  // Coming back by the browser's own button finds the page as it was left.
  useEffect(() => {
    const onShow = (): void => setLeaving(false);
    addEventListener('pageshow', onShow);
    return () => removeEventListener('pageshow', onShow);
  }, []);
  return (
    <button type="button" class="btn primary" disabled={isLeaving} onClick={leave}>
      {isLeaving ? `Going to ${label}` : `Sign in with ${label}`}
    </button>
  );
}

interface ByPasswordProps {
  readonly isOnly: boolean;
  readonly isBusy: boolean;
  readonly onSignIn: (body: object) => void;
}

function ByPassword({ isOnly, isBusy, onSignIn }: ByPasswordProps) {
  const onSubmit = (event: SubmitEvent): void => {
    event.preventDefault();
    if (!(event.currentTarget instanceof HTMLFormElement)) return;
    const form = new FormData(event.currentTarget);
    onSignIn({ name: form.get('name'), password: form.get('password') });
  };
  return (
    <form onSubmit={onSubmit}>
      <label class="field">
        Name
        <input name="name" type="text" autocomplete="username" autocapitalize="none" spellcheck={false} required />
      </label>
      <label class="field">
        Password
        <input name="password" type="password" autocomplete="current-password" required />
      </label>
      <button type="submit" class={isOnly ? 'btn primary' : 'btn'} disabled={isBusy}>
        {isBusy ? 'Signing in' : 'Sign in'}
      </button>
    </form>
  );
}

/** Nobody has a name here: a form would only be in vain. */
function ByLink({ isOnly }: { readonly isOnly: boolean }) {
  return (
    <p class="meta">
      {isOnly ? 'This console has no users yet. ' : ''}The link that <code>dbadmin console</code> printed in its terminal signs in once. Add
      somebody: <code>dbadmin console user add NAME</code>
    </p>
  );
}

function Refused({ failure }: { readonly failure: Failure }) {
  return (
    <>
      <p>
        <span class="st bad wraps">{sentence(failure.message)}</span>
      </p>
      {failure.detail === undefined ? null : <p class="meta">{failure.detail}</p>}
      {failure.hint === undefined ? null : <p class="meta">{failure.hint}</p>}
    </>
  );
}
