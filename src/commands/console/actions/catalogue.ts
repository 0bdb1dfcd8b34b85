import type { Action } from '../../../console/action.ts';
import { BACKUP_ACTIONS } from './backups.ts';
import { DRILL_ACTIONS } from './drills.ts';
import { MIGRATION_ACTIONS } from './migrations.ts';
import { ROLE_ACTIONS } from './roles.ts';
import { SCHEDULE_ACTIONS } from './schedule.ts';
import { REPOSITORY_ACTIONS } from './repositories.ts';

/** Everything that an operator can do. */
export const ACTIONS: readonly Action[] = [
  ...BACKUP_ACTIONS,
  ...DRILL_ACTIONS,
  ...MIGRATION_ACTIONS,
  ...ROLE_ACTIONS,
  ...SCHEDULE_ACTIONS,
  ...REPOSITORY_ACTIONS,
];
