import { z } from 'zod';
import { action, type Action } from '../../../console/action.ts';
import { option, optionalText } from '../parameters.ts';

const span = z.string().regex(/^\d{1,6}(ms|s|min)$/);

export const MIGRATION_ACTIONS: readonly Action[] = [
  action({
    name: 'migrations/up',
    parameters: z.strictObject({ cluster: optionalText }),
    review: ({ cluster }, { plan }) => ['migrate', 'plan', '--diff', '--out', plan, ...option('cluster', cluster)],
    apply: ({ cluster }, { plan }) => ['migrate', 'up', '--plan', plan, ...option('cluster', cluster)],
    cluster: ({ cluster }) => cluster,
  }),
  action({
    name: 'migrations/rehearse',
    parameters: z.strictObject({ cluster: optionalText, limit: span.optional(), to: z.literal('now').optional() }),
    apply: ({ cluster, limit, to }) => [
      'migrate',
      'rehearse',
      ...option('max-block', limit),
      ...option('to', to),
      ...option('cluster', cluster),
    ],
    cluster: ({ cluster }) => cluster,
  }),
  action({
    name: 'migrations/rollback',
    parameters: z.strictObject({ cluster: optionalText, to: z.string().regex(/^\w{1,100}$/), tier: z.enum(['down', 'rescue']) }),
    review: (parameters) => [...rollback(parameters), '--dry-run'],
    apply: rollback,
    cluster: ({ cluster }) => cluster,
  }),
];

function rollback({
  cluster,
  to,
  tier,
}: {
  readonly cluster?: string | undefined;
  readonly to: string;
  readonly tier: string;
}): readonly string[] {
  return ['migrate', 'rollback', '--to', to, '--tier', tier, ...option('cluster', cluster)];
}
