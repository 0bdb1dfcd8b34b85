import type { Action } from '../../../console/action.ts';

export const ROLE_ACTIONS: readonly Action[] = [];
