import { z } from 'zod';
import { question, type Question } from '../../../console/question.ts';
import { flag, flagged, option, optionalText } from '../parameters.ts';

const cluster = z.strictObject({ cluster: optionalText });

export const MIGRATION_QUESTIONS: readonly Question[] = [
  question({
    name: 'migrations/status',
    parameters: z.strictObject({ cluster: optionalText, all: flag }),
    words: ({ cluster, all }) => ['migrate', 'status', ...option('cluster', cluster), ...flagged('all', all)],
  }),
  question({
    name: 'migrations/plan',
    parameters: cluster,
    words: ({ cluster }) => ['migrate', 'plan', '--diff', ...option('cluster', cluster)],
  }),
  question({
    name: 'migrations/lint',
    parameters: cluster,
    words: ({ cluster }) => ['migrate', 'lint', ...option('cluster', cluster)],
  }),
];
