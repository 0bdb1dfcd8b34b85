import { z } from 'zod';
import { question, type Question } from '../../../console/question.ts';
import { option, optionalText } from '../parameters.ts';

const place = z.strictObject({ cluster: optionalText, repository: optionalText });

export const REPOSITORY_QUESTIONS: readonly Question[] = [
  question({
    name: 'repositories/list',
    parameters: z.strictObject({ repository: optionalText }),
    words: ({ repository }) => ['repository', 'list', ...option('repository', repository)],
    keepMs: 1000,
  }),
  question({
    name: 'repositories/retention',
    parameters: place,
    words: ({ cluster, repository }) => ['backup', 'expire', ...option('cluster', cluster), ...option('repository', repository)],
    keepMs: 1000,
  }),
  question({
    name: 'repositories/holds',
    parameters: place,
    words: ({ cluster, repository }) => ['backup', 'hold', ...option('cluster', cluster), ...option('repository', repository)],
    keepMs: 1000,
  }),
  question({
    name: 'repositories/keys',
    parameters: place,
    words: ({ cluster, repository }) => ['repository', 'key', 'list', ...option('cluster', cluster), ...option('repository', repository)],
    keepMs: 60_000,
  }),
];
