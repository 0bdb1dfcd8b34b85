import { z } from 'zod';
import { question, type Question } from '../../../console/question.ts';
import { option, optionalText, text } from '../parameters.ts';

export const DRILL_QUESTIONS: readonly Question[] = [
  question({
    name: 'drills/report',
    parameters: z.strictObject({ cluster: optionalText, repository: optionalText, label: text.regex(/^[\w-]+$/) }),
    words: ({ cluster, repository, label }) => [
      'backup',
      'drill',
      '--verify-report',
      label,
      ...option('cluster', cluster),
      ...option('repository', repository),
    ],
  }),
];
