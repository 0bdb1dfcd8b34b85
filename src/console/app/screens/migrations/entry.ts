import type { Screen } from '../../screen.ts';

export const MIGRATION_SCREENS: readonly Screen[] = [];
