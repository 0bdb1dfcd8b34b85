import { z } from 'zod';
import { action, type Action } from '../../../console/action.ts';
import { option, optionalText } from '../parameters.ts';

export const DRILL_ACTIONS: readonly Action[] = [
  action({
    name: 'drills/start',
    parameters: z.strictObject({
      cluster: optionalText,
      repository: optionalText,
      target: z.enum(['latest', 'random']).optional(),
      to: optionalText,
      backup: optionalText,
    }),
    apply: ({ cluster, repository, target, to, backup }) => [
      'backup',
      'drill',
      ...option('target', target),
      ...option('to', to),
      ...option('backup', backup),
      ...option('cluster', cluster),
      ...option('repository', repository),
    ],
    cluster: ({ cluster }) => cluster,
  }),
];
