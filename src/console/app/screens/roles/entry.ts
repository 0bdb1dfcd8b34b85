import { lazy } from '../../lazy.tsx';
import type { Screen } from '../../screen.ts';

export const ROLE_SCREENS: readonly Screen[] = [
  { path: '/roles', title: 'Roles', Screen: lazy('roles', async () => (await import('./roles.tsx')).Roles) },
];
