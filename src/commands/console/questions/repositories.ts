import { z } from 'zod';
import { question, type Question } from '../../../console/question.ts';
import { option, optionalText } from '../parameters.ts';

export const REPOSITORY_QUESTIONS: readonly Question[] = [
  question({
    name: 'repositories/list',
    parameters: z.strictObject({ repository: optionalText }),
    words: ({ repository }) => ['repository', 'list', ...option('repository', repository)],
    keepMs: 5000,
  }),
];
