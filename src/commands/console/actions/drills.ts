import type { Action } from '../../../console/action.ts';

export const DRILL_ACTIONS: readonly Action[] = [];
