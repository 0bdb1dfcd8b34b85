import { useEffect, useState } from 'preact/hooks';
import { lazy } from './lazy.tsx';
import type { Screen } from './screen.ts';
import { AUDIT_SCREENS } from './screens/audit-entry.ts';
import { BACKUP_SCREENS } from './screens/backups/entry.ts';
import { DRILL_SCREENS } from './screens/drills/entry.ts';
import { MIGRATION_SCREENS } from './screens/migrations/entry.ts';
import { ROLE_SCREENS } from './screens/roles/entry.ts';
import { SCHEDULE_SCREENS } from './screens/schedule/entry.ts';
import { REPOSITORY_SCREENS } from './screens/repositories/entry.ts';
import { LISTENING_SCREENS } from './screens/listening/entry.ts';
import { Missing } from './screens/missing.tsx';
import { Overview } from './screens/overview.tsx';

/** The screens in the order of the side bar. All but the first are fetched when somebody goes there, see lazy.tsx. */
export const SCREENS: readonly Screen[] = [
  { path: '/', title: 'Overview', Screen: Overview },
  ...BACKUP_SCREENS,
  ...DRILL_SCREENS,
  ...MIGRATION_SCREENS,
  ...ROLE_SCREENS,
  ...SCHEDULE_SCREENS,
  ...REPOSITORY_SCREENS,
  ...LISTENING_SCREENS,
  ...AUDIT_SCREENS,
];

/** Reached by a link of the frame, not by the side bar's list. */
const OWN_SCREENS: readonly Screen[] = [
  {
    path: '/sessions',
    title: 'Your sessions',
    Screen: lazy('your sessions', async () => (await import('./screens/sessions.tsx')).Sessions),
  },
];

const MISSING: Screen = { path: '', title: 'Not found', Screen: Missing };

export function screenAt(path: string): Screen {
  return [...SCREENS, ...OWN_SCREENS].find((screen) => screen.path === path) ?? MISSING;
}

/** Goes to a screen, `/backups?cluster=main`, without loading the page again. */
export function go(path: string): void {
  history.pushState(undefined, '', path);
  dispatchEvent(new PopStateEvent('popstate'));
}

/** The path of the page as it changes, by links and by going back. */
export function usePath(): string {
  const [path, setPath] = useState(location.pathname);
  useEffect(() => {
    const onMove = (): void => setPath(location.pathname);
    const onClick = (event: MouseEvent): void => {
      const link = event.target instanceof Element ? event.target.closest('a') : null;
      const isPlain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
      if (link === null || !isPlain || link.origin !== location.origin || link.target !== '' || link.hash !== '') return;
      event.preventDefault();
      go(`${link.pathname}${link.search}`);
    };
    addEventListener('popstate', onMove);
    document.addEventListener('click', onClick);
    return () => {
      removeEventListener('popstate', onMove);
      document.removeEventListener('click', onClick);
    };
  }, []);
  return path;
}
