import type { Question } from '../../../console/question.ts';
import { BACKUP_QUESTIONS } from './backups.ts';
import { DRILL_QUESTIONS } from './drills.ts';
import { LISTENING_QUESTIONS } from './listening.ts';
import { MIGRATION_QUESTIONS } from './migrations.ts';
import { REPOSITORY_QUESTIONS } from './repositories.ts';
import { ROLE_QUESTIONS } from './roles.ts';
import { SCHEDULE_QUESTIONS } from './schedule.ts';

/** Everything that a screen can ask. */
export const QUESTIONS: readonly Question[] = [
  ...BACKUP_QUESTIONS,
  ...DRILL_QUESTIONS,
  ...MIGRATION_QUESTIONS,
  ...ROLE_QUESTIONS,
  ...SCHEDULE_QUESTIONS,
  ...REPOSITORY_QUESTIONS,
  ...LISTENING_QUESTIONS,
];
