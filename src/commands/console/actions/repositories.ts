import type { Action } from '../../../console/action.ts';

export const REPOSITORY_ACTIONS: readonly Action[] = [];
