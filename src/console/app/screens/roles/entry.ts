import type { Screen } from '../../screen.ts';

export const ROLE_SCREENS: readonly Screen[] = [];
