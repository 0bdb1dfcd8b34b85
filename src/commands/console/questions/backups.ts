import { z } from 'zod';
import { question, type Question } from '../../../console/question.ts';
import { option, optionalText } from '../parameters.ts';

const place = z.strictObject({ cluster: optionalText, repository: optionalText });

export const BACKUP_QUESTIONS: readonly Question[] = [
  question({
    name: 'backups/list',
    parameters: place,
    words: ({ cluster, repository }) => ['backup', 'list', ...option('cluster', cluster), ...option('repository', repository)],
    keepMs: 2000,
  }),
  question({
    name: 'backups/info',
    parameters: place,
    words: ({ cluster, repository }) => ['backup', 'info', ...option('cluster', cluster), ...option('repository', repository)],
    keepMs: 2000,
  }),
];
