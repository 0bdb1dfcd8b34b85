import { lazy } from '../../lazy.tsx';
import type { Screen } from '../../screen.ts';

export const DRILL_SCREENS: readonly Screen[] = [
  { path: '/drills', title: 'Drills', Screen: lazy('drills', async () => (await import('./drills.tsx')).Drills) },
];
