import { z } from 'zod';
import { question, type Question } from '../../../console/question.ts';
import { option, optionalText, texts } from '../parameters.ts';

export const LISTENING_QUESTIONS: readonly Question[] = [
  question({
    name: 'listening/report',
    parameters: z.strictObject({
      part: texts,
      cluster: optionalText,
      month: optionalText,
      from: optionalText,
      to: optionalText,
      listener: optionalText,
      zone: optionalText,
      top: z
        .string()
        .regex(/^\d{1,3}$/)
        .optional(),
    }),
    words: ({ part = [], ...others }) => [
      'spotify',
      'report',
      ...part,
      ...Object.entries(others).flatMap(([name, value]) => option(name, value)),
    ],
    keepMs: 5000,
  }),
];
