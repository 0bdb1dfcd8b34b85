import { lazy } from '../../lazy.tsx';
import type { Screen } from '../../screen.ts';

export const MIGRATION_SCREENS: readonly Screen[] = [
  { path: '/migrations', title: 'Migrations', Screen: lazy('migrations', async () => (await import('./migrations.tsx')).Migrations) },
];
