import { z } from 'zod';
import { question, type Question } from '../../../console/question.ts';
import { flag, flagged, option, optionalText, text } from '../parameters.ts';

const day = z
  .string()
  .regex(/^\d{4}-\d{2}-\d{2}$/)
  .optional();
const nothing = z.strictObject({});
/** Shown in what is exported, and never written to. */
const UNITS = '/etc/systemd/system';

export const SCHEDULE_QUESTIONS: readonly Question[] = [
  question({ name: 'schedule/list', parameters: nothing, words: () => ['schedule', 'list'], keepMs: 1000 }),
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
    parameters: z.strictObject({ since: optionalText, on: day, job: optionalText, brief: flag, log: flag }),
    words: ({ since, on, job, brief, log }) =>
      ['schedule', 'history'].concat(
        option('since', since),
        option('on', on),
        option('job', job),
        flagged('brief', brief),
        flagged('log', log),
      ),
    keepMs: 1000,
  }),
  question({
    name: 'schedule/log',
    parameters: z.strictObject({
      job: text,
      run: z.uuid().optional(),
      attempt: z
        .string()
        .regex(/^\d{1,6}$/)
        .optional(),
    }),
    words: ({ job, run, attempt }) => ['schedule', 'log', job, ...option('run', run), ...option('attempt', attempt)],
  }),
  question({ name: 'schedule/workers', parameters: nothing, words: () => ['schedule', 'workers'], keepMs: 1000 }),
  question({ name: 'alerts/list', parameters: nothing, words: () => ['alerts', 'list'], keepMs: 1000 }),
  question({ name: 'schedule/export-cron', parameters: nothing, words: () => ['schedule', 'export', '--cron'] }),
  question({
    name: 'schedule/export-kubernetes',
    parameters: z.strictObject({ image: text.regex(/^[\w./:@-]+$/) }),
    words: ({ image }) => ['schedule', 'export', '--kubernetes', '--image', image],
  }),
  question({ name: 'schedule/export-systemd', parameters: nothing, words: () => ['schedule', 'export', '--systemd', UNITS, '--print'] }),
  question({
    name: 'schedule/export-task-scheduler',
    parameters: nothing,
    words: () => ['schedule', 'export', '--task-scheduler', 'tasks', '--print'],
  }),
];
