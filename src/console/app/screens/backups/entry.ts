import { lazy } from '../../lazy.tsx';
import type { Screen } from '../../screen.ts';

export const BACKUP_SCREENS: readonly Screen[] = [
  { path: '/backups', title: 'Backups', Screen: lazy('the backups', async () => (await import('./backups.tsx')).Backups) },
];
