import type { Action } from '../../../console/action.ts';

export const MIGRATION_ACTIONS: readonly Action[] = [];
