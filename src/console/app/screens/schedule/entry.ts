import { lazy } from '../../lazy.tsx';
import type { Screen } from '../../screen.ts';

export const SCHEDULE_SCREENS: readonly Screen[] = [
  { path: '/schedule', title: 'Schedule', Screen: lazy('the schedule', async () => (await import('./schedule.tsx')).Schedule) },
];
