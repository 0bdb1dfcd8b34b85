import type { Screen } from '../../screen.ts';

export const SCHEDULE_SCREENS: readonly Screen[] = [];
