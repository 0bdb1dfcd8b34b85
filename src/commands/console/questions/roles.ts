import { z } from 'zod';
import { question, type Question } from '../../../console/question.ts';
import { option, optionalText } from '../parameters.ts';

const cluster = z.strictObject({ cluster: optionalText });

export const ROLE_QUESTIONS: readonly Question[] = [
  question({
    name: 'roles/plan',
    parameters: cluster,
    words: ({ cluster }) => ['roles', 'plan', ...option('cluster', cluster)],
  }),
  question({
    name: 'roles/audit',
    parameters: cluster,
    words: ({ cluster }) => ['roles', 'audit', ...option('cluster', cluster)],
  }),
];
