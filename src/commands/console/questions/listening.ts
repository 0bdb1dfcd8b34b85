import { z } from 'zod';
import { question, type Question } from '../../../console/question.ts';
import { option, optionalText, text, texts } from '../parameters.ts';

const count = z
  .string()
  .regex(/^\d{1,4}$/)
  .optional();
const weight = z
  .string()
  .regex(/^\d(?:\.\d{1,4})?$/)
  .optional();
/** Rows of a rule that are shown. */
const SHOWN_ROWS = '50';

/** The reports of the warehouse, its names, and the recommender. */
export const LISTENING_QUESTIONS: readonly Question[] = [
  question({
    name: 'listening/report',
    parameters: z.strictObject({
      part: texts,
      cluster: optionalText,
      listener: optionalText,
      month: optionalText,
      from: optionalText,
      to: optionalText,
      artist: optionalText,
      album: optionalText,
      track: optionalText,
      chart: optionalText,
      zone: optionalText,
      top: count,
    }),
    words: ({ part = [], ...filters }) => ['spotify', 'report', ...part, ...optionsOf(filters)],
    keepMs: 5000,
  }),
  question({
    name: 'listening/find',
    parameters: z.strictObject({ text, kind: texts, k: count, cluster: optionalText }),
    words: ({ text: typed, ...others }) => ['spotify', 'find', typed, ...optionsOf(others)],
    keepMs: 5000,
  }),
  question({
    name: 'listening/recommend',
    parameters: z.strictObject({
      listener: optionalText,
      heard: z.enum(['never', 'not-recently', 'any']).optional(),
      after: optionalText,
      like: texts,
      genre: texts,
      feature: texts,
      popular: weight,
      unheard: optionalText,
      k: count,
      cluster: optionalText,
    }),
    words: ({ unheard, ...others }) => ['spotify', 'recommend', ...optionsOf(others), ...option('unheard-by', unheard)],
  }),
  question({
    name: 'listening/sounds-like',
    parameters: z.strictObject({ track: text, k: count, cluster: optionalText }),
    words: ({ track, ...others }) => ['spotify', 'sounds-like', track, ...optionsOf(others)],
  }),
  question({
    name: 'listening/preferences',
    parameters: z.strictObject({ cluster: optionalText }),
    words: ({ cluster }) => ['spotify', 'preferences', ...option('cluster', cluster)],
    keepMs: 60_000,
  }),
  question({
    name: 'listening/methods',
    parameters: z.strictObject({ cluster: optionalText }),
    words: ({ cluster }) => ['spotify', 'evaluate', '--stored', ...option('cluster', cluster)],
    keepMs: 500,
  }),
  question({
    name: 'listening/refused',
    parameters: z.strictObject({ rule: z.string().regex(/^B\d{1,2}$/), cluster: optionalText }),
    words: ({ rule, cluster }) => [
      'spotify',
      'view',
      'quality.quarantine',
      '--where',
      `rule_id = '${rule}'`,
      '--order',
      'quarantined_at desc, batch_id desc, row_no',
      '--limit',
      SHOWN_ROWS,
      ...option('cluster', cluster),
    ],
  }),
];

function optionsOf(values: Readonly<Record<string, string | readonly string[] | undefined>>): readonly string[] {
  return Object.entries(values).flatMap(([name, value]) => option(name, value));
}
