import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { ask, type Session } from './api.ts';
import { LiveProvider, useLive } from './live.tsx';
import { ActDialogs } from './parts/act.tsx';
import { SCREENS } from './router.ts';
import { sideCounts, type SideCount } from './side-counts.ts';
import { applyTheme, chosenTheme, type Theme } from './theme.ts';
import { clock } from './words.ts';

interface ShellProps {
  readonly session: Session;
  readonly path: string;
  readonly title: string;
  /** It is hidden behind the door until its user is back. */
  readonly isAway: boolean;
  /** Somebody signed out. */
  readonly onLeft: () => void;
  /** The session ended by itself. */
  readonly onOver: () => void;
  readonly children: ComponentChildren;
}

const THEMES: readonly (readonly [Theme, string])[] = [
  ['system', 'As the system'],
  ['light', 'Light'],
  ['dark', 'Dark'],
];

const NONE: ReadonlyMap<string, SideCount> = new Map();

/** Somebody in front of the screen keeps the session from idling; asked at most so often. */
const TOUCH_MS = 60_000;

/** The frame: the side bar with the screens and who is signed in, and the screen itself. */
export function Shell({ session, path, title, isAway, onLeft, onOver, children }: ShellProps) {
  const main = useRef<HTMLElement>(null);
  const isFirst = useRef(true);
  useEffect(() => {
    if (isAway) return;
    document.title = `${title} · dbadmin`;
    // A screen reader and the keyboard go on where the new screen begins.
    if (!isFirst.current) main.current?.focus();
    isFirst.current = false;
  }, [title, path, isAway]);
  useTouch(onOver);
  return (
    <LiveProvider onSignedOut={onOver}>
      <a class="skip" href="#main">
        Skip to content
      </a>
      <div class="shell">
        <SideBar session={session} path={path} onLeft={onLeft} />
        <main id="main" ref={main} tabIndex={-1}>
          <ActDialogs key={path} session={session} isAway={isAway}>
            {children}
          </ActDialogs>
        </main>
      </div>
    </LiveProvider>
  );
}

function SideBar({ session, path, onLeft }: Pick<ShellProps, 'session' | 'path' | 'onLeft'>) {
  const [isOpen, setOpen] = useState(false);
  const [theme, setTheme] = useState<Theme>(chosenTheme);
  const signOut = async (): Promise<void> => {
    await ask('/api/sign-out', {}, session.csrf).catch(() => undefined);
    onLeft();
  };
  const { answer } = useLive();
  const counts = answer === undefined ? NONE : sideCounts(answer.status);
  useEffect(() => applyTheme(theme), [theme]);
  useEffect(() => setOpen(false), [path]);
  return (
    <header class={isOpen ? 'side open' : 'side'}>
      <div class="brand">
        <span>dbadmin</span>
        <small class="hide-s">{session.project.version}</small>
        <button type="button" class="btn menu" aria-expanded={isOpen} aria-controls="screens" onClick={() => setOpen(!isOpen)}>
          Menu
        </button>
      </div>
      <nav id="screens" aria-label="Screens">
        {SCREENS.map((screen) => (
          <a key={screen.path} href={screen.path} aria-current={screen.path === path ? 'page' : undefined} onClick={() => setOpen(false)}>
            {screen.title}
            <SideMark count={counts.get(screen.path)} />
          </a>
        ))}
      </nav>
      <div class="foot">
        <Now timeZone={session.project.timeZone} />
        <div>
          <p>
            Signed in as <b>{session.user}</b>, {session.role}
          </p>
          <a href="/sessions" aria-current={path === '/sessions' ? 'page' : undefined}>
            Your sessions
          </a>
        </div>
        <label class="field">
          Colours
          <select value={theme} onChange={({ currentTarget }) => setTheme(currentTarget.value as Theme)}>
            {THEMES.map(([value, label]) => (
              <option key={value} value={value}>
                {label}
              </option>
            ))}
          </select>
        </label>
        <button type="button" class="btn" onClick={() => void signOut()}>
          Sign out
        </button>
      </div>
    </header>
  );
}

function SideMark({ count }: { readonly count: SideCount | undefined }) {
  if (count === undefined) return null;
  return <small class={count.kind}>{count.text}</small>;
}

function Now({ timeZone }: { readonly timeZone: string }) {
  const { answer } = useLive();
  const [day, time] = clock(new Date(answer?.status.at ?? Date.now()), timeZone);
  return (
    <p>
      {day}
      <br />
      <span class="nowrap">{time}</span> {timeZone}
    </p>
  );
}

function useTouch(onEnded: () => void): void {
  useEffect(() => {
    let at = Date.now();
    const touch = (): void => {
      if (Date.now() - at < TOUCH_MS) return;
      at = Date.now();
      void fetch('/api/session').then(
        (response) => void (response.status === 401 && onEnded()),
        () => undefined,
      );
    };
    for (const event of ['pointerdown', 'keydown', 'wheel'] as const) addEventListener(event, touch, { passive: true });
    return () => {
      for (const event of ['pointerdown', 'keydown', 'wheel'] as const) removeEventListener(event, touch);
    };
  }, []);
}
