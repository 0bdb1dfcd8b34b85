import { lazy } from '../../lazy.tsx';
import type { Screen } from '../../screen.ts';

export const LISTENING_SCREENS: readonly Screen[] = [
  { path: '/listening', title: 'Listening', Screen: lazy('listening', async () => (await import('./listening.tsx')).Listening) },
];
