import type { ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { Session } from './api.ts';
import { Audit } from './screens/audit.tsx';
import { Missing } from './screens/missing.tsx';
import { Overview } from './screens/overview.tsx';

export interface ScreenProps {
  readonly session: Session;
}

export interface Screen {
  readonly path: string;
  readonly title: string;
  readonly Screen: ComponentType<ScreenProps>;
}

/** The screens in the order of the side bar. A new one is a line here. */
export const SCREENS: readonly Screen[] = [
  { path: '/', title: 'Overview', Screen: Overview },
  { path: '/audit', title: 'Audit trail', Screen: Audit },
];

const MISSING: Screen = { path: '', title: 'Not found', Screen: Missing };

export function screenAt(path: string): Screen {
  return SCREENS.find((screen) => screen.path === path) ?? MISSING;
}

/** Goes to a screen without loading the page again. */
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
      go(link.pathname);
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
