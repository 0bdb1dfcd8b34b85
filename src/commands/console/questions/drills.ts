import { z } from 'zod';
import { question, type Question } from '../../../console/question.ts';
import { option, optionalText, text } from '../parameters.ts';

const place = { cluster: optionalText, repository: optionalText };

export const DRILL_QUESTIONS: readonly Question[] = [
  question({
    name: 'drills/list',
    parameters: z.strictObject(place),
    words: ({ cluster, repository }) => ['backup', 'drill', '--list', ...option('cluster', cluster), ...option('repository', repository)],
    keepMs: 500,
  }),
  question({
    name: 'drills/report',
    parameters: z.strictObject({ ...place, label: text.regex(/^[\w-]+$/) }),
    words: ({ cluster, repository, label }) => [
      'backup',
      'drill',
      '--show',
      label,
      ...option('cluster', cluster),
      ...option('repository', repository),
    ],
    keepMs: 5000,
  }),
];
