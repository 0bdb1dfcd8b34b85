import { lazy } from '../../lazy.tsx';
import type { Screen } from '../../screen.ts';

export const REPOSITORY_SCREENS: readonly Screen[] = [
  {
    path: '/repositories',
    title: 'Repositories',
    Screen: lazy('repositories', async () => (await import('./repositories.tsx')).Repositories),
  },
];
