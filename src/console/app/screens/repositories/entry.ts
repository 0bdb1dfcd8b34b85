import type { Screen } from '../../screen.ts';

export const REPOSITORY_SCREENS: readonly Screen[] = [];
