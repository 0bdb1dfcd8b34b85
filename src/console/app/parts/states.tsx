import type { ComponentChildren } from 'preact';
import type { Failure, Session } from '../api.ts';

/** What is being looked at; said to a screen reader too. */
export function Loading({ what }: { readonly what: string }) {
  return (
    <p class="state" role="status">
      <span class="st run">Looking at {what}</span>
    </p>
  );
}

/** There is nothing yet, and what makes there be something. */
export function Empty({ title, children }: { readonly title: string; readonly children: ComponentChildren }) {
  return (
    <div class="state">
      <h2>{title}</h2>
      {children}
    </div>
  );
}

/** What went wrong, in the words of the command line, and what to do. */
export function Failed({ failure, again }: { readonly failure: Failure; readonly again?: () => void }) {
  return (
    <div class="state" role="alert">
      <p>
        <span class="st bad">{sentence(failure.message)}</span>
      </p>
      {failure.detail === undefined ? null : <p class="detail">{failure.detail}</p>}
      {failure.hint === undefined ? null : <p class="detail">{failure.hint}</p>}
      {again === undefined ? null : (
        <button type="button" class="btn" onClick={again}>
          Try again
        </button>
      )}
    </div>
  );
}

/** Old figures are shown, and said to be old. */
export function Stale({ since, why }: { readonly since: string; readonly why: string | undefined }) {
  return (
    <p class="stale" role="status">
      <span class="st warn">Figures of {since}</span> {why === undefined ? 'nothing newer has come' : why}
    </p>
  );
}

/** Beside an action that a viewer cannot take: it says why, instead of being gone. */
export function ForOperators({ session, children }: { readonly session: Session; readonly children: ComponentChildren }) {
  if (session.role === 'operator') return <>{children}</>;
  return <span class="meta">Actions need the role operator; {session.user} is a viewer.</span>;
}

/** As a sentence begins; a command, a file and a setting begin as they are typed. */
export function sentence(text: string): string {
  return /^(?:dbadmin |\w+[._]\w)/.test(text) ? text : text.charAt(0).toUpperCase() + text.slice(1);
}
