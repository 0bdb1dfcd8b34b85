import { z } from 'zod';
import { question, type Question } from '../../../console/question.ts';
import { flag, flagged, option, optionalText } from '../parameters.ts';

const cluster = z.strictObject({ cluster: optionalText });
const span = z.string().regex(/^\d{1,6}(ms|s|min)$/);
const version = z.string().regex(/^\w{1,100}$/);

export const MIGRATION_QUESTIONS: readonly Question[] = [
  question({
    name: 'migrations/status',
    parameters: z.strictObject({ cluster: optionalText, all: flag }),
    words: ({ cluster, all }) => ['migrate', 'status', ...option('cluster', cluster), ...flagged('all', all)],
    keepMs: 1000,
  }),
  question({
    name: 'migrations/plan',
    parameters: cluster,
    words: ({ cluster }) => ['migrate', 'plan', '--diff', ...option('cluster', cluster)],
    keepMs: 2000,
  }),
  question({
    name: 'migrations/lint',
    parameters: cluster,
    words: ({ cluster }) => ['migrate', 'lint', ...option('cluster', cluster)],
  }),
  question({
    name: 'migrations/history',
    parameters: cluster,
    words: ({ cluster }) => ['migrate', 'history', '--limit', '100', ...option('cluster', cluster)],
    keepMs: 1000,
  }),
  question({
    name: 'migrations/rehearsal',
    parameters: z.strictObject({ cluster: optionalText, limit: span.optional() }),
    words: ({ cluster, limit }) => ['migrate', 'rehearse', '--last', ...option('max-block', limit), ...option('cluster', cluster)],
  }),
  question({
    name: 'migrations/ways-back',
    parameters: z.strictObject({ cluster: optionalText, to: version }),
    words: ({ cluster, to }) => ['migrate', 'rollback', '--to', to, '--dry-run', ...option('cluster', cluster)],
  }),
  // It replays everything on an empty server: seconds to minutes.
  question({
    name: 'migrations/drift',
    parameters: cluster,
    words: ({ cluster }) => ['migrate', 'verify', '--live', ...option('cluster', cluster)],
    isCostly: () => true,
  }),
];
