import type { Screen } from '../../screen.ts';

export const LISTENING_SCREENS: readonly Screen[] = [];
