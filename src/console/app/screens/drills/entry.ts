import type { Screen } from '../../screen.ts';

export const DRILL_SCREENS: readonly Screen[] = [];
