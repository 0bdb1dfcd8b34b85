import type { Screen } from '../../screen.ts';

export const BACKUP_SCREENS: readonly Screen[] = [];
