import { z } from 'zod';
import { question, type Question } from '../../../console/question.ts';
import { flag, flagged, option, optionalText } from '../parameters.ts';

export const SCHEDULE_QUESTIONS: readonly Question[] = [
  question({ name: 'schedule/list', parameters: z.strictObject({}), words: () => ['schedule', 'list'], keepMs: 1000 }),
  question({
    name: 'schedule/next',
    parameters: z.strictObject({
      count: z
        .string()
        .regex(/^\d{1,4}$/)
        .optional(),
    }),
    words: ({ count }) => ['schedule', 'next', ...option('count', count)],
    keepMs: 1000,
  }),
  question({
    name: 'schedule/history',
    parameters: z.strictObject({ since: optionalText, job: optionalText, log: flag }),
    words: ({ since, job, log }) => ['schedule', 'history', ...option('since', since), ...option('job', job), ...flagged('log', log)],
    keepMs: 1000,
  }),
];
